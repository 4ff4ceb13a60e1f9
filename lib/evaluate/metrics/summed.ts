import { requireRows, type Metric } from './metric.js'

/**
 * A metric that follows from a sum over the rows: each row gives a few numbers, these add up, and the sum gives the value. So
 * rows can be measured once and their numbers resampled (see `bootstrap.ts`).
 */
export interface Summed<Row extends readonly unknown[], Value> {
  readonly name: string
  contribution(...row: Row): readonly number[]
  score(sum: readonly number[]): Value
}

/** Takes rows. */
export function summedMetric<Row extends readonly unknown[], Value>(summed: Summed<Row, Value>): Metric<Row, Value> {
  const metric = contributionsMetric(summed)
  return { add: (...row) => metric.add(summed.contribution(...row)), value: () => metric.value() }
}

/** Takes what `contribution` made of rows. */
export function contributionsMetric<Row extends readonly unknown[], Value>(
  summed: Summed<Row, Value>,
): Metric<[contribution: readonly number[]], Value> {
  const sum: number[] = []
  let rows = 0
  return {
    add(contribution) {
      rows++
      for (let i = 0; i < contribution.length; i++) sum[i] = (sum[i] ?? 0) + (contribution[i] ?? 0)
    },
    value() {
      requireRows(rows, summed.name)
      return summed.score([...sum])
    },
  }
}

/** Of one row alone. */
export function scoreRow<Row extends readonly unknown[], Value>(summed: Summed<Row, Value>, ...row: Row): Value {
  return summed.score(summed.contribution(...row))
}
