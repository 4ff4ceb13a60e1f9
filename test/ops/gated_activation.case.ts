import { float, type OpCases } from './op-case.js'

const kinds = ['silu', 'gelu', 'gelu_pytorch_tanh', 'quick_gelu', 'relu', 'sigmoid', 'tanh']
const shapes = [
  [0, 8],
  [1, 1],
  [5, 17],
  [3, 131],
  [3, 40],
] as const

export default {
  op: 'gated_activation',
  cases: kinds.flatMap((kind) =>
    shapes.flatMap(([rows, columns]) => [
      {
        name: `${kind} ${rows}x${columns}`,
        attributes: { kind },
        inputs: [float([rows, columns], { std: 2 }), float([rows, columns])],
      },
      ...['gate_up', 'up_gate'].map((order) => ({
        name: `${kind} ${rows}x${columns} halves ${order}`,
        attributes: { kind, order },
        inputs: [float([rows, 2 * columns], { std: 2 }), null],
      })),
    ]),
  ),
} satisfies OpCases
