import { ascending, float, float32, scalar, type OpCases } from './op-case.js'

interface Loss {
  weights?: boolean
  smoothing?: number
  gamma?: number
  std?: number
  /** Targets in between, too. */
  soft?: boolean
}

function loss(rows: number, columns: number, options: Loss = {}) {
  const { weights = false, smoothing = 0, gamma = 0, std = 2, soft = false } = options
  const parts = [
    `${rows}x${columns}`,
    ...(weights ? ['weights'] : []),
    ...(smoothing > 0 ? [`smoothing ${smoothing}`] : []),
    ...(gamma > 0 ? [`gamma ${gamma}`] : []),
    ...(std === 2 ? [] : [`std ${std}`]),
    ...(soft ? ['soft'] : []),
  ]
  const targets = ascending(rows * columns).map((i) => (soft ? (i % 5) / 4 : (i * 7 + (i >> 2)) % 2))
  return {
    name: parts.join(' '),
    attributes: { label_smoothing: smoothing, focal_gamma: gamma },
    inputs: [
      float([rows, columns], { std }),
      float32([rows, columns], targets),
      scalar(0.25),
      weights
        ? float32(
            [columns],
            ascending(columns).map((c) => 0.5 + c),
          )
        : null,
    ],
  }
}

export default {
  op: 'binary_cross_entropy',
  loss: 'loss',
  cases: [
    loss(0, 4),
    loss(1, 1),
    loss(5, 7),
    loss(5, 7, { weights: true }),
    loss(5, 7, { smoothing: 0.2 }),
    loss(3, 17, { soft: true, weights: true }),
    loss(7, 5, { gamma: 2 }),
    loss(7, 5, { gamma: 0.5, weights: true, smoothing: 0.1, soft: true }),
    loss(9, 3, { gamma: 1, std: 30 }),
    loss(9, 3, { std: 200 }),
    loss(131, 257),
  ],
} satisfies OpCases
