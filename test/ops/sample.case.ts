import { float, float32, floats, integers, type CaseInput, type OpCases } from './op-case.js'

interface Row {
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  /** The number drawn, in [0, 1). */
  readonly uniform: number
}

/** Of one row, or of each. Numbers are drawn well inside a token's share, so that rounding chooses no other. */
function inputs(x: CaseInput, rows: readonly Row[]): CaseInput[] {
  const each = (of: (row: Row) => number): number[] => rows.map(of)
  const bits = rows.flatMap(({ uniform }) => {
    const upper = Math.floor(uniform * 2 ** 27)
    return [upper, Math.floor((uniform * 2 ** 27 - upper) * 2 ** 26)]
  })
  return [
    x,
    float32(
      [rows.length],
      each(({ temperature = 1 }) => temperature),
    ),
    integers(each(({ topK = 0 }) => topK)),
    float32(
      [rows.length],
      each(({ topP = 1 }) => topP),
    ),
    float32(
      [rows.length],
      each(({ minP = 0 }) => minP),
    ),
    { kind: 'integer', shape: [rows.length, 2], values: bits },
  ]
}

const draws = (count: number, row: Omit<Row, 'uniform'> = {}): Row[] =>
  Array.from({ length: count }, (_, i) => ({ ...row, uniform: (i + 0.37) / count }))

const rows = (x: (count: number) => CaseInput, of: readonly Row[]): CaseInput[] => inputs(x(of.length), of)
/** The same logits in every row. */
const same = (values: readonly number[], of: readonly Row[]): CaseInput[] =>
  inputs(
    floats(
      [of.length, values.length],
      of.flatMap(() => values),
    ),
    of,
  )

const wide = (columns: number, std?: number) => (count: number) =>
  float([count, columns], std === undefined ? { differentiate: false } : { std, differentiate: false })

// The equal ones stand for how ties are cut; powers of 2 of probability for sums that are exact.
const ties = [1, 3, -2, 3, 0, 3, 3, -5, 1]
const everything: readonly Row[] = [
  { uniform: 0.3 },
  { uniform: 0.71, topK: 1 },
  { uniform: 0.71, topK: 5 },
  { uniform: 0.52, topP: 0.9 },
  { uniform: 0.52, topP: 1e-6 },
  { uniform: 0.93, minP: 0.2 },
  { uniform: 0.93, temperature: 0.3, topK: 50, topP: 0.9 },
  { uniform: 0.13, temperature: 2.5, topK: 40, topP: 0.55, minP: 0.01 },
  { uniform: 0.999, temperature: 1e-3 },
  { uniform: 0.9, temperature: 1e-30 },
]

const cases: OpCases['cases'] = [
  { name: 'no rows', attributes: {}, inputs: rows(wide(8), []) },
  { name: 'one token', attributes: {}, inputs: rows(wide(1), draws(3, { topK: 1, topP: 0.5, minP: 0.5 })) },
  { name: 'every token in turn', attributes: {}, inputs: same([0, 1, 2, 3, 4], draws(40)) },
  { name: 'equals at the k-th stay', attributes: {}, inputs: same(ties, draws(16, { topK: 2 })) },
  { name: 'more than all are kept', attributes: {}, inputs: same(ties, draws(16, { topK: 100 })) },
  { name: 'half of four equals', attributes: {}, inputs: same([7, 7, 7, 7], draws(8, { topP: 0.5 })) },
  { name: 'the first of equals', attributes: {}, inputs: same(ties, draws(16, { topP: 0.6 })) },
  { name: 'no more than the best', attributes: {}, inputs: same(ties, draws(8, { topP: 0 })) },
  { name: 'all that are as likely as the best', attributes: {}, inputs: same(ties, draws(8, { minP: 1 })) },
  { name: 'zeros of both signs', attributes: {}, inputs: same([-0, 0, -0, -1, 0], draws(10, { topK: 1, topP: 0.7 })) },
  {
    name: 'what cannot come',
    attributes: {},
    inputs: same(
      [-Infinity, 2, NaN, -Infinity, 1, NaN],
      [...draws(8), ...draws(8, { topK: 3 }), ...draws(4, { topP: 0.8 })],
    ),
  },
  {
    name: 'nothing can come',
    attributes: {},
    inputs: same([-Infinity, NaN, -Infinity], draws(2, { topK: 2, topP: 0.5 })),
  },
  { name: 'what must come', attributes: {}, inputs: same([3, Infinity, 5, Infinity], draws(6, { temperature: 0.5 })) },
  { name: 'all settings', attributes: {}, inputs: rows(wide(77, 3), everything) },
  { name: 'all settings, whole vectors', attributes: {}, inputs: rows(wide(1024, 3), everything) },
  { name: 'all settings, more than are listed', attributes: {}, inputs: rows(wide(4099, 2), everything) },
  {
    name: 'more equals than are listed',
    attributes: {},
    inputs: rows(wide(5003, 0), draws(2, { topK: 7, topP: 0.31 })),
  },
  { name: 'a vocabulary', attributes: {}, inputs: rows(wide(50_257, 2), draws(2, { topK: 50, topP: 0.9 })) },
  { name: 'a flat vocabulary', attributes: {}, inputs: rows(wide(32_000, 1), draws(2, { topP: 0.9, minP: 0.001 })) },
]

export default { op: 'sample', cases } satisfies OpCases
