import { float, type OpCases } from './op-case.js'

const cases: OpCases['cases'] = [
  { name: 'p 0', attributes: { p: 0 }, inputs: [float([5, 17])] },
  { name: 'no rows', attributes: { p: 0.5 }, inputs: [float([0, 8])] },
  { name: 'one element', attributes: { p: 0.5, stream: 3 }, inputs: [float([1, 1])] },
  { name: 'p 0.1', attributes: { p: 0.1 }, inputs: [float([7, 33])] },
  { name: 'another stream', attributes: { p: 0.1, stream: 4294967295 }, inputs: [float([7, 33])] },
  { name: 'p 0.9, many elements', attributes: { p: 0.9, stream: 1 }, inputs: [float([61, 131])] },
]

export default { op: 'dropout', cases } satisfies OpCases
