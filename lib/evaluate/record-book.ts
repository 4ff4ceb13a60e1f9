import type { DatasetRow } from '../data/rows.js'
import type { MetricContext } from './metric-options.js'
import type { PreparedExamples } from './prepare-examples.js'
import { textsOf } from './prompts.js'
import type { RecordPlace } from './report.js'
import type { MeasuredRow, RowOfExample, TaskMeasure } from './tasks/task-measure.js'

/** So many of the worst rows are in a report. */
const worstRows = 20

/** Records of all rows where they are wanted, and of the worst ones always. */
export class RecordBook<Row extends MeasuredRow, Record_ extends object> {
  readonly #all: (RecordPlace & Record_)[] | undefined
  readonly #worst: { readonly loss: number; readonly record: RecordPlace & Record_ }[] = []

  constructor(
    private readonly measure: TaskMeasure<Row, object, Record_>,
    private readonly context: MetricContext,
    private readonly prepared: PreparedExamples,
    keepAll: boolean,
  ) {
    this.#all = keepAll ? [] : undefined
  }

  add(placed: RowOfExample<Row>): void {
    const { row } = placed
    const loss = row.lossSum / row.weight
    const isMistake = this.measure.isCorrect?.(row) !== true && !Number.isNaN(loss)
    const isAmongWorst = isMistake && (this.#worst.length < worstRows || loss > (this.#worst.at(-1)?.loss ?? Infinity))
    if (this.#all === undefined && !isAmongWorst) return
    const record = { ...this.#place(placed), ...this.measure.record(row, this.context) }
    this.#all?.push(record)
    if (!isAmongWorst) return
    const at = this.#worst.findIndex((other) => other.loss < loss)
    this.#worst.splice(at < 0 ? this.#worst.length : at, 0, { loss, record })
    if (this.#worst.length > worstRows) this.#worst.pop()
  }

  /** In the order of the data. */
  get all(): (RecordPlace & Record_)[] | undefined {
    return this.#all?.sort((a, b) => a.row - b.row)
  }

  get worst(): (RecordPlace & Record_)[] {
    return this.#worst.map(({ record }) => record)
  }

  #place({ index, row: { lossSum, weight } }: RowOfExample<Row>): RecordPlace {
    const { row, origin } = this.prepared.examples.at(index)
    const given: DatasetRow | undefined = this.prepared.rows?.[row]
    const loss = lossSum / weight
    return { row, origin, ...(given && textsOf(given)), ...(!Number.isNaN(loss) && { loss }) }
  }
}
