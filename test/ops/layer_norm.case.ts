import { float, type OpCases } from './op-case.js'

function layerNorm(rows: number, columns: number, options: { eps?: number; bias?: boolean; std?: number } = {}) {
  const { eps = 1e-5, bias = true, std = 1 } = options
  return {
    name: `${rows}x${columns} eps ${eps} std ${std}${bias ? '' : ' without bias'}`,
    attributes: { eps },
    inputs: [float([rows, columns], { std }), float([columns]), bias ? float([columns]) : null],
  }
}

export default {
  op: 'layer_norm',
  cases: [
    layerNorm(0, 8),
    layerNorm(1, 3, { eps: 0.1 }),
    layerNorm(5, 7),
    layerNorm(3, 17, { bias: false }),
    layerNorm(13, 33, { eps: 1e-12 }),
    layerNorm(2, 48, { std: 30 }),
    layerNorm(4, 257, { eps: 1e-3, bias: false }),
    layerNorm(67, 96),
  ],
} satisfies OpCases
