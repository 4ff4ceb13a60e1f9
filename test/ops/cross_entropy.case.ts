import { ascending, float, float32, integers, scalar, spread, type OpCases } from './op-case.js'

interface Loss {
  weights?: boolean
  smoothing?: number
  gamma?: number
  scale?: number
  /** Of the logits: large ones make sharp distributions. */
  std?: number
}

function loss(rows: number, classes: number, options: Loss = {}) {
  const { weights = false, smoothing = 0, gamma = 0, scale = 0.125, std = 1 } = options
  const parts = [
    `${rows}x${classes}`,
    ...(weights ? ['weights'] : []),
    ...(smoothing > 0 ? [`smoothing ${smoothing}`] : []),
    ...(gamma > 0 ? [`gamma ${gamma}`] : []),
    ...(std === 1 ? [] : [`std ${std}`]),
  ]
  return {
    name: parts.join(' '),
    attributes: { label_smoothing: smoothing, focal_gamma: gamma },
    inputs: [
      float([rows, classes], { std }),
      integers(spread(rows, classes)),
      scalar(scale),
      weights
        ? float32(
            [classes],
            ascending(classes).map((c) => 0.25 + c / classes),
          )
        : null,
    ],
  }
}

export default {
  op: 'cross_entropy',
  loss: 'loss',
  cases: [
    loss(0, 3),
    loss(0, 3, { weights: true, gamma: 2 }),
    loss(1, 1),
    loss(1, 2, { scale: 1 }),
    loss(7, 5, { weights: true }),
    loss(7, 5, { smoothing: 0.1 }),
    loss(7, 5, { smoothing: 0.3, weights: true }),
    loss(7, 5, { gamma: 2 }),
    loss(9, 17, { gamma: 0.5, weights: true, smoothing: 0.1 }),
    loss(13, 3, { gamma: 1, std: 20 }),
    loss(13, 3, { gamma: 5, weights: true, scale: 1 / 13 }),
    loss(9, 65, { std: 20 }),
    // Past one block of a row, and rows enough for every thread.
    loss(3, 1501, { smoothing: 0.1, scale: 1 }),
    loss(301, 2, { weights: true, scale: 1 / 301 }),
  ],
} satisfies OpCases
