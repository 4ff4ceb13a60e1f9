import { float, integers, scalar, spread, type OpCases } from './op-case.js'

interface Loss {
  bias?: boolean
  smoothing?: number
  softcap?: number
  scale?: number
  /** Of the hidden state: large ones make sharp distributions. */
  std?: number
  /** Tokens with rows of their own. */
  tokens?: readonly number[]
}

export function loss(rows: number, columns: number, vocabulary: number, options: Loss = {}) {
  const { bias = false, smoothing = 0, softcap = 0, scale = 0.125, std = 1, tokens } = options
  const parts = [
    `${rows}x${columns}x${vocabulary}`,
    ...(bias ? ['bias'] : []),
    ...(smoothing > 0 ? [`smoothing ${smoothing}`] : []),
    ...(softcap > 0 ? [`softcap ${softcap}`] : []),
    ...(std === 1 ? [] : [`std ${std}`]),
    ...(tokens === undefined ? [] : [`${tokens.length} rows of tokens`]),
  ]
  return {
    name: parts.join(' '),
    attributes: { label_smoothing: smoothing, softcap, ...(tokens === undefined ? {} : { token_ids: tokens }) },
    inputs: [
      float([rows, columns], { std }),
      float([vocabulary, columns], { std: columns ** -0.5 }),
      integers(spread(rows, vocabulary)),
      scalar(scale),
      bias ? float([vocabulary]) : null,
      tokens === undefined ? null : float([tokens.length, columns], { std: columns ** -0.5 }),
    ],
  }
}

export default {
  op: 'linear_cross_entropy',
  loss: 'loss',
  cases: [
    loss(0, 8, 5),
    loss(1, 1, 2, { bias: true }),
    loss(5, 17, 33),
    loss(3, 16, 300, { bias: true, scale: 1 }),
    loss(7, 33, 11, { smoothing: 0.1, bias: true }),
    loss(6, 16, 20, { softcap: 2 }),
    loss(6, 16, 20, { softcap: 5, smoothing: 0.2, bias: true }),
    loss(9, 24, 65, { std: 20 }),
    // Past one chunk of rows.
    loss(150, 19, 67, { scale: 1 / 150 }),
    loss(41, 37, 1009, { scale: 1 / 41 }),
    loss(0, 8, 5, { tokens: [2] }),
    loss(1, 1, 2, { bias: true, tokens: [1, 0] }),
    loss(7, 33, 11, { smoothing: 0.1, bias: true, tokens: [10, 3, 0] }),
    loss(6, 16, 20, { softcap: 2, bias: true, tokens: [7] }),
    loss(150, 19, 67, { scale: 1 / 150, tokens: spread(17, 67) }),
  ],
} satisfies OpCases
