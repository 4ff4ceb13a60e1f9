import { float, type OpCases } from './op-case.js'

export default {
  op: 'add',
  cases: [
    [0, 8],
    [1, 1],
    [1, 17],
    [7, 33],
    [67, 129],
  ].map((shape) => ({ name: shape.join('x'), attributes: {}, inputs: [float(shape), float(shape)] })),
} satisfies OpCases
