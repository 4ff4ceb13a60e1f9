import { AttuneError } from '../../errors.js'

/** Something measured while data streams through. It holds what it needs (counts, sums, at most scores), never rows of logits. */
export interface Metric<Row extends readonly unknown[], Value> {
  add(...row: Row): void
  /** Of what was added so far. @throws AttuneError 'empty-dataset' where nothing was */
  value(): Value
}

type Columns<Row extends readonly unknown[]> = { readonly [Column in keyof Row]: ArrayLike<Row[Column]> }

/**
 * Gives columns of equal length to a metric, row by row.
 * @throws AttuneError 'shape-mismatch' where the lengths differ
 */
export function measure<Row extends readonly unknown[], Value>(
  metric: Metric<Row, Value>,
  ...columns: Columns<Row>
): Value {
  const lists: readonly ArrayLike<unknown>[] = columns
  const rows = lists[0]?.length ?? 0
  for (const { length } of lists) requireLength(length, rows, 'columns of rows')
  for (let row = 0; row < rows; row++) metric.add(...(lists.map((column) => column[row]) as unknown as Row))
  return metric.value()
}

/** A metric that says something of what another one counts. */
export function derived<Row extends readonly unknown[], Counts, Value>(
  counting: Metric<Row, Counts>,
  compute: (counts: Counts) => Value,
): Metric<Row, Value> {
  return { add: (...row) => counting.add(...row), value: () => compute(counting.value()) }
}

/** @throws AttuneError 'empty-dataset' */
export function requireRows(rows: number, metric: string): void {
  if (rows > 0) return
  throw new AttuneError('empty-dataset', `${metric} needs at least one row, received none`, { where: metric })
}

/** @throws AttuneError 'shape-mismatch' */
export function requireLength(actual: number, expected: number, what: string): void {
  if (actual === expected) return
  throw new AttuneError('shape-mismatch', `expected ${what} of equal length, received ${expected} and ${actual}`)
}

/** The mean of the numbers that are defined (not NaN), as weighted; unweighted where all weights are 0; NaN of none. */
export function meanOfDefined(values: readonly number[], weights?: readonly number[]): number {
  const defined = values
    .map((value, i) => ({ value, weight: weights?.[i] ?? 1 }))
    .filter(({ value }) => value === value)
  const total = defined.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return defined.reduce((sum, { value }) => sum + value, 0) / defined.length
  return defined.reduce((sum, { value, weight }) => sum + value * weight, 0) / total
}
