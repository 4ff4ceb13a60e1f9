import { float, type OpCases } from './op-case.js'

const kinds = ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'quick_gelu', 'silu', 'relu', 'tanh', 'sigmoid']

export default {
  op: 'activation',
  cases: kinds.flatMap((kind) =>
    // The wide ones reach where exp and tanh saturate.
    [
      { shape: [0, 8], std: 1 },
      { shape: [1, 1], std: 1 },
      { shape: [7, 33], std: 2 },
      { shape: [13, 17], std: 40 },
      { shape: [41, 257], std: 2 },
    ].map(({ shape, std }) => ({
      name: `${kind} ${shape.join('x')} std ${std}`,
      attributes: { kind },
      inputs: [float(shape, { std })],
    })),
  ),
} satisfies OpCases
