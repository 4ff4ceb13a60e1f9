/** What is measured of a task: which rows come of a batch, and which numbers follow from rows. */
import type { BatchEvaluation } from '../../models/model.js'
import type { ModelDefinition } from '../../models/family.js'
import type { ModelExample } from '../example-batch.js'
import type { Metric } from '../metrics/metric.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'

/** What is kept of a row: never logits over a vocabulary. */
export interface MeasuredRow {
  /** Sum of the losses. */
  readonly lossSum: number
  /** What it is divided by: labelled tokens, 1, or outputs. */
  readonly weight: number
}

export interface TaskMeasure<Row extends MeasuredRow> {
  /** For messages: 'no metric x for …'. */
  readonly name: string
  readonly metrics: Readonly<Record<string, TaskMetric<Row>>>
  /** Metrics where none are named. */
  readonly usual: (labels: readonly string[]) => readonly string[]
  /** The rows of a batch, in the order of its examples. */
  readonly rows: (
    examples: readonly ModelExample[],
    evaluation: BatchEvaluation,
    definition: ModelDefinition,
  ) => readonly Row[]
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

/** Logits of one row. */
export function logitsOf({ logits }: BatchEvaluation, row: number): Float32Array {
  if (logits === undefined) return new Float32Array(0)
  const outputs = logits.shape[1] ?? 0
  return logits.data.subarray(row * outputs, (row + 1) * outputs)
}
