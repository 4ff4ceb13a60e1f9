/** What is measured of a task: which rows come of a batch, and which numbers follow from rows. */
import type { DatasetRow } from '../../data/rows.js'
import type { BatchEvaluation } from '../../models/model.js'
import type { ModelDefinition } from '../../models/family.js'
import type { Tensor } from '../../models/tensor.js'
import { isLabelled, type EncodedExample, type LabelledExample } from '../../data/example.js'
import type { ExampleList } from '../../data/example-list.js'
import type { MetricContext } from '../metric-options.js'
import type { Metric } from '../metrics/metric.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'

/** What is kept of a row: never logits over a vocabulary. */
export interface MeasuredRow {
  /** Sum of the losses. */
  readonly lossSum: number
  /** What it is divided by: labelled tokens, 1, or outputs. */
  readonly weight: number
}

/** Where rows come from. */
export interface RowSource {
  readonly definition: ModelDefinition
  readonly examples: ExampleList
  /** Of the dataset that the examples are of: `example.row` is an index here. */
  readonly rows?: readonly DatasetRow[] | undefined
  readonly context: MetricContext
}

/** What the model said of a batch; `embeddings` of anchors, then positives, then negatives. */
export interface BatchResult extends BatchEvaluation {
  readonly embeddings?: Tensor | undefined
}

export interface RowOfExample<Row> {
  /** Index of the (first) example. */
  readonly index: number
  readonly row: Row
}

/** Turns batches into rows. Rows that need several examples come with the last of them, or at the end. */
export interface RowReader<Row> {
  /** @param indices the examples of the batch */
  readonly read: (indices: readonly number[], result: BatchResult) => readonly RowOfExample<Row>[]
  readonly finish?: () => readonly RowOfExample<Row>[]
}

export interface TaskMeasure<
  Row extends MeasuredRow,
  Details extends object = object,
  Record_ extends object = object,
> {
  /** For messages: 'no metric x for …'. */
  readonly name: string
  readonly metrics: Readonly<Record<string, TaskMetric<Row>>>
  /** Metrics where none are named. */
  readonly usual: (labels: readonly string[]) => readonly string[]
  readonly reader: (source: RowSource) => RowReader<Row>
  /** What a report says beside single numbers. */
  readonly details: (context: MetricContext) => Metric<[row: Row], Details>
  /** The row as a user reads it, with names in place of indices. */
  readonly record: (row: Row, context: MetricContext) => Record_
  /** Whether it is all right; undefined where that cannot be said of one row. */
  readonly isCorrect?: (row: Row) => boolean
  /** How often each label is there, added to `counts`. */
  readonly countLabels?: (row: Row, counts: number[]) => void
  /** What a model would say that has learned the labels' frequencies and nothing else. @param labels of the rows it learned from */
  readonly constant?: (labels: readonly LabelledExample['labels'][], context: MetricContext) => (row: Row) => Row
}

/** A row for every example, in order. */
export function rowPerExample<Row>(
  rowsOf: (examples: readonly EncodedExample[], result: BatchResult, source: RowSource) => readonly Row[],
): TaskMeasure<Row & MeasuredRow>['reader'] {
  return (source) => ({
    read(indices, result) {
      const examples = indices.map((index) => source.examples.at(index))
      return rowsOf(examples, result, source).map((row, i) => ({
        index: indices[i] ?? 0,
        row,
      })) as readonly RowOfExample<Row & MeasuredRow>[]
    },
  })
}

/** Mean over everything that is labelled, however it is batched. */
export const lossMetric = taskMetric<MeasuredRow, [lossSum: number, weight: number]>({
  greaterIsBetter: false,
  of: ({ lossSum, weight }) => [lossSum, weight],
  make: () => ratioMetric(),
})

export const perplexityMetric = taskMetric<MeasuredRow, [lossSum: number, weight: number]>({
  greaterIsBetter: false,
  of: ({ lossSum, weight }) => [lossSum, weight],
  make: () => ratioMetric(Math.exp),
})

/** Sum over sum. */
export function ratioMetric(
  then: (ratio: number) => number = (ratio) => ratio,
): Metric<[part: number, whole: number], number> {
  let parts = 0
  let wholes = 0
  return {
    add(part, whole) {
      parts += part
      wholes += whole
    },
    value: () => then(parts / wholes),
  }
}

/** What the example is to predict; of pairs nothing. */
export function labelsOf(example: EncodedExample): LabelledExample['labels'] {
  return isLabelled(example) ? example.labels : []
}

/** Logits of one row. */
export function logitsOf({ logits }: BatchResult, row: number): Float32Array {
  if (logits === undefined) return new Float32Array(0)
  const outputs = logits.shape[1] ?? 0
  return logits.data.subarray(row * outputs, (row + 1) * outputs)
}

/** A metric that reads something else off the row. */
export function reading<Row, Columns extends readonly unknown[], Value>(
  metric: Metric<Columns, Value>,
  of: (row: Row) => Columns,
): Metric<[row: Row], Value> {
  return { add: (row) => metric.add(...of(row)), value: () => metric.value() }
}

export const noDetails = (): Metric<[row: unknown], object> => ({ add: () => undefined, value: () => ({}) })
