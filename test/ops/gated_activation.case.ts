import { float, type OpCases } from './op-case.js'

export default {
  op: 'gated_activation',
  cases: ['silu', 'gelu', 'gelu_pytorch_tanh', 'quick_gelu', 'relu', 'sigmoid', 'tanh'].flatMap((kind) =>
    [
      [0, 8],
      [1, 1],
      [5, 17],
      [3, 131],
    ].map((shape) => ({
      name: `${kind} ${shape.join('x')}`,
      attributes: { kind },
      inputs: [float(shape, { std: 2 }), float(shape)],
    })),
  ),
} satisfies OpCases
