import { float, type OpCases } from './op-case.js'

/** In bfloat16 many of a row are equal; without deviation all are, of either sign of 0. */
const cases: OpCases['cases'] = [
  { name: 'no rows', attributes: {}, inputs: [float([0, 8])] },
  { name: 'one element', attributes: {}, inputs: [float([1, 1])] },
  { name: 'one column', attributes: {}, inputs: [float([5, 1])] },
  { name: 'odd rows', attributes: {}, inputs: [float([37, 33])] },
  { name: 'many rows of whole vectors', attributes: {}, inputs: [float([300, 64])] },
  { name: 'equal elements', attributes: {}, inputs: [float([3, 9001], { std: 0 })] },
  { name: 'one past a chunk', attributes: {}, inputs: [float([4, 4097])] },
  { name: 'a vocabulary', attributes: {}, inputs: [float([2, 50_257])] },
  { name: 'a vocabulary of whole vectors', attributes: {}, inputs: [float([3, 32_000])] },
]

export default { op: 'argmax', cases } satisfies OpCases
