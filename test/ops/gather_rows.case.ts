import { ascending, float, integers, type OpCases } from './op-case.js'

const cases: OpCases['cases'] = [
  { name: 'none of none', attributes: {}, inputs: [float([0, 8]), integers([])] },
  { name: 'none of three', attributes: {}, inputs: [float([3, 8]), integers([])] },
  { name: 'all', attributes: {}, inputs: [float([5, 17]), integers(ascending(5))] },
  { name: 'first and last', attributes: {}, inputs: [float([13, 33]), integers([0, 12])] },
  { name: 'of integers', attributes: {}, inputs: [integers([7, -3, 9, 2 ** 31 - 1, 0]), integers([0, 3, 4])] },
  { name: 'odd ones', attributes: {}, inputs: [float([101, 31]), integers(ascending(50).map((row) => 2 * row + 1))] },
]

export default { op: 'gather_rows', cases } satisfies OpCases
