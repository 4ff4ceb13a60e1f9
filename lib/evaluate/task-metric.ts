import type { MetricContext } from './metric-options.js'
import type { Metric } from './metrics/metric.js'

/** A number that follows from the rows of a task. */
export interface TaskMetric<Row> {
  readonly greaterIsBetter: boolean
  /** Takes rows one by one. @throws AttuneError 'invalid-option' where an option does not go with the labels */
  readonly accumulate: (context: MetricContext) => Metric<[row: Row], number>
}

interface MetricParts<Row, Columns extends readonly unknown[]> {
  /** @default true */
  readonly greaterIsBetter?: boolean
  /** What the metric reads of a row. */
  readonly of: (row: Row, context: MetricContext) => Columns
  readonly make: (context: MetricContext) => Metric<Columns, number>
}

export function taskMetric<Row, Columns extends readonly unknown[]>({
  greaterIsBetter = true,
  of,
  make,
}: MetricParts<Row, Columns>): TaskMetric<Row> {
  return {
    greaterIsBetter,
    accumulate(context) {
      const metric = make(context)
      return { add: (row) => metric.add(...of(row, context)), value: () => metric.value() }
    },
  }
}
