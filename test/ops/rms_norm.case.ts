import { float, type OpCases } from './op-case.js'

function rmsNorm(
  rows: number,
  columns: number,
  options: { eps?: number; offset?: number; std?: number; groups?: number } = {},
) {
  const { eps = 1e-6, offset = 0, std = 1, groups = 1 } = options
  return {
    name: `${rows}x${groups === 1 ? '' : `${groups}x`}${columns} eps ${eps} offset ${offset} std ${std}`,
    attributes: { eps, weight_offset: offset },
    inputs: [float([rows, groups * columns], { std }), float([columns])],
  }
}

export default {
  op: 'rms_norm',
  cases: [
    rmsNorm(0, 8),
    rmsNorm(1, 2, { eps: 0.1 }),
    rmsNorm(5, 7),
    rmsNorm(3, 17, { offset: 1 }),
    rmsNorm(13, 33, { eps: 1e-5 }),
    rmsNorm(2, 48, { std: 30, offset: 1 }),
    rmsNorm(4, 257, { eps: 1e-3 }),
    rmsNorm(67, 96),
    rmsNorm(0, 4, { groups: 2 }),
    rmsNorm(1, 3, { groups: 5 }),
    rmsNorm(5, 17, { groups: 3, offset: 1 }),
    rmsNorm(11, 64, { groups: 7, eps: 1e-5 }),
  ],
} satisfies OpCases
