import { setImmediate } from 'node:timers/promises'
import { requireNotAborted } from '../abort.js'
import type { MetricContext } from './metric-options.js'
import type { BootstrapOptions, Comparison, Interval } from './metrics/bootstrap.js'
import { mcnemar, type McNemar } from './metrics/mcnemar.js'
import type { MeasuredRow, TaskMeasure } from './tasks/task-measure.js'

/** As much of a task as scoring rows needs. */
type Scores<Row extends MeasuredRow> = Pick<TaskMeasure<Row>, 'metrics' | 'isCorrect'>

/** The numbers of one system: the tuned model, or a baseline. Rows are kept only where they are resampled later on. */
export class ScoredSystem<Row extends MeasuredRow> {
  readonly #measure: Scores<Row>
  readonly #context: MetricContext
  readonly #metrics: readonly (readonly [name: string, metric: { add(row: Row): void; value(): number }])[]
  readonly #rows: Row[] | undefined
  readonly #correct: boolean[] = []

  constructor(measure: Scores<Row>, names: readonly string[], context: MetricContext, keepRows: boolean) {
    this.#measure = measure
    this.#context = context
    this.#metrics = names.flatMap((name) => {
      const metric = measure.metrics[name]?.accumulate(context)
      return metric === undefined ? [] : [[name, metric] as const]
    })
    this.#rows = keepRows ? [] : undefined
  }

  add(row: Row): void {
    for (const [, metric] of this.#metrics) metric.add(row)
    this.#rows?.push(row)
    if (this.#measure.isCorrect !== undefined) this.#correct.push(this.#measure.isCorrect(row))
  }

  values(): Record<string, number> {
    return Object.fromEntries(this.#metrics.map(([name, metric]) => [name, metric.value()]))
  }

  /** Needs the rows kept. */
  intervals(options: BootstrapOptions, signal: AbortSignal | undefined): Promise<Record<string, Interval>> {
    return this.#each(signal, (name) => this.#measure.metrics[name]?.interval(this.#rows ?? [], this.#context, options))
  }

  /** This system beside another on the same rows; both have kept them. */
  comparisons(
    baseline: ScoredSystem<Row>,
    options: BootstrapOptions,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, Comparison>> {
    return this.#each(signal, (name) =>
      this.#measure.metrics[name]?.compare(baseline.#rows ?? [], this.#rows ?? [], this.#context, options),
    )
  }

  mcnemar(baseline: ScoredSystem<Row>): McNemar | undefined {
    if (this.#correct.length === 0 || baseline.#correct.length !== this.#correct.length) return undefined
    return mcnemar(baseline.#correct, this.#correct)
  }

  // Resampling takes its time: others get a turn after each metric.
  async #each<Value>(
    signal: AbortSignal | undefined,
    compute: (name: string) => Value | undefined,
  ): Promise<Record<string, Value>> {
    const values: [string, Value][] = []
    for (const [name] of this.#metrics) {
      await setImmediate()
      requireNotAborted(signal, 'evaluation was aborted')
      const value = compute(name)
      if (value !== undefined) values.push([name, value])
    }
    return Object.fromEntries(values)
  }
}
