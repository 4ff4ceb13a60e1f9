import { float, integers, spread, type OpCases } from './op-case.js'

const repeated = [3, 0, 3, 10, 3, 7, 10, 0, 1]

const cases: OpCases['cases'] = [
  { name: 'no tokens', attributes: { vocabulary: 5 }, inputs: [float([5, 8]), integers([])] },
  { name: 'one of one', attributes: { vocabulary: 1 }, inputs: [float([1, 1]), integers([0])] },
  { name: 'repeated ids', attributes: { vocabulary: 11 }, inputs: [float([11, 17]), integers(repeated)] },
  {
    name: 'padding row',
    attributes: { vocabulary: 11, padding_index: 3 },
    inputs: [float([11, 33], { differentiate: false }), integers(repeated)],
  },
  {
    name: 'transposed',
    attributes: { vocabulary: 11, transposed: true },
    inputs: [float([5, 11]), integers(repeated)],
  },
  {
    name: 'rows of tokens',
    attributes: { vocabulary: 11, token_ids: [10, 3, 5] },
    inputs: [float([11, 17]), integers(repeated), float([3, 17])],
  },
  {
    name: 'one row of one token, which is the padding',
    attributes: { vocabulary: 11, padding_index: 3, token_ids: [3] },
    inputs: [float([11, 1], { differentiate: false }), integers(repeated), float([1, 1], { differentiate: false })],
  },
  {
    name: 'rows of tokens, larger',
    attributes: { vocabulary: 97, token_ids: spread(31, 97) },
    inputs: [float([97, 65]), integers(spread(203, 97)), float([31, 65])],
  },
  // Ids of more tokens than one task sums.
  { name: 'few ids', attributes: { vocabulary: 3 }, inputs: [float([3, 40]), integers(spread(403, 3))] },
  {
    name: 'few ids, transposed',
    attributes: { vocabulary: 3, transposed: true },
    inputs: [float([8, 3]), integers(spread(403, 3))],
  },
  { name: 'larger', attributes: { vocabulary: 97 }, inputs: [float([97, 65]), integers(spread(203, 97))] },
]

export default { op: 'embedding', cases } satisfies OpCases
