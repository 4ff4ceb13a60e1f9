import type { MetricContext } from './metric-options.js'
import {
  bootstrap,
  pairedBootstrap,
  type BootstrapOptions,
  type Comparison,
  type Interval,
} from './metrics/bootstrap.js'
import type { Metric } from './metrics/metric.js'

/** A number that follows from the rows of a task. */
export interface TaskMetric<Row> {
  readonly greaterIsBetter: boolean
  /** Takes rows one by one. @throws AttuneError 'invalid-option' where an option does not go with the labels */
  readonly accumulate: (context: MetricContext) => Metric<[row: Row], number>
  /** Bootstrapped. */
  readonly interval: (rows: readonly Row[], context: MetricContext, options: BootstrapOptions) => Interval
  /** Of two systems on the same rows. */
  readonly compare: (
    first: readonly Row[],
    second: readonly Row[],
    context: MetricContext,
    options: BootstrapOptions,
  ) => Comparison
}

interface MetricParts<Row, Columns extends readonly unknown[]> {
  /** @default true */
  readonly greaterIsBetter?: boolean
  /** What the metric reads of a row. What costs much belongs here: resampling does it once. */
  readonly of: (row: Row, context: MetricContext) => Columns
  readonly make: (context: MetricContext) => Metric<Columns, number>
}

export function taskMetric<Row, Columns extends readonly unknown[]>({
  greaterIsBetter = true,
  of,
  make,
}: MetricParts<Row, Columns>): TaskMetric<Row> {
  const columns = (rows: readonly Row[], context: MetricContext): Columns[] => rows.map((row) => of(row, context))
  return {
    greaterIsBetter,
    accumulate(context) {
      const metric = make(context)
      return { add: (row) => metric.add(...of(row, context)), value: () => metric.value() }
    },
    interval: (rows, context, options) => bootstrap(() => make(context), columns(rows, context), options),
    compare: (first, second, context, options) =>
      pairedBootstrap(() => make(context), columns(first, context), columns(second, context), options),
  }
}
