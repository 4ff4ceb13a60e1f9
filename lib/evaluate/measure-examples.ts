import { AttuneError } from '../errors.js'
import { batches } from '../data/batches.js'
import type { ModelDefinition } from '../models/family.js'
import type { Batch } from '../models/batch.js'
import type { BatchEvaluation } from '../models/model.js'
import { settleOptions } from '../options.js'
import { batchOf, type ModelExample } from './example-batch.js'
import { metricOptions, type MetricOptions } from './metric-options.js'
import { withMeasure } from './tasks/index.js'
import type { MeasuredRow, TaskMeasure } from './tasks/task-measure.js'
import { requireMetrics } from './metric-names.js'

/** As much of a `Model` as measuring needs. */
export interface EvaluatedModel {
  readonly definition: ModelDefinition
  evaluateBatch(batch: Batch): Promise<BatchEvaluation>
}

export interface StreamOptions {
  /** Tokens worked on at once; a longer row goes alone. */
  readonly tokensPerBatch: number
  /** Called after each batch with how many examples are done. */
  readonly onBatch?: ((examples: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface MeasureOptions extends StreamOptions {
  /** @default those of the task: `defaultMetrics(model.definition)` */
  readonly metrics?: readonly string[] | undefined
  readonly metricOptions?: MetricOptions | undefined
}

export interface MeasuredExamples {
  /** By the names that were asked for. */
  readonly metrics: Readonly<Record<string, number>>
  readonly examples: number
  /** What has a label: tokens, or rows. */
  readonly targets: number
}

/**
 * Measures encoded examples, without dropout, as they stream through: metrics hold counts and scores, never logits. The same
 * examples give the same bits.
 * @throws AttuneError 'invalid-option' (a metric that does not fit the task), 'empty-dataset', 'aborted'
 */
export async function measureExamples(
  model: EvaluatedModel,
  examples: readonly ModelExample[],
  { metrics: names, metricOptions: given, ...stream }: MeasureOptions,
): Promise<MeasuredExamples> {
  const { definition } = model
  const wanted = requireMetrics(names, definition)
  const context = { labels: definition.labels, options: settleOptions(metricOptions, given) }
  if (examples.length === 0) {
    throw new AttuneError('empty-dataset', 'there are no examples to measure', { where: 'examples' })
  }
  return withMeasure(definition, async (measure) => {
    const metrics = wanted.flatMap((name) => {
      const metric = measure.metrics[name]?.accumulate(context)
      return metric === undefined ? [] : [{ name, metric }]
    })
    let targets = 0
    for await (const { rows, targets: labelled } of measuredRows(model, measure, examples, stream)) {
      for (const row of rows) for (const { metric } of metrics) metric.add(row)
      targets += labelled
    }
    const values = metrics.map(({ name, metric }) => [name, metric.value()] as const)
    return { metrics: Object.fromEntries(values), examples: examples.length, targets }
  })
}

export interface RowsOfBatch<Row> {
  readonly rows: readonly Row[]
  /** Index of each row's example. */
  readonly indices: readonly number[]
  readonly targets: number
}

/** The rows of the task, batch by batch. Examples of like length go together, in an order that only the examples decide. */
export async function* measuredRows<Row extends MeasuredRow>(
  model: EvaluatedModel,
  measure: TaskMeasure<Row>,
  examples: readonly ModelExample[],
  { tokensPerBatch, onBatch, signal }: StreamOptions,
): AsyncGenerator<RowsOfBatch<Row>, void, void> {
  const { definition } = model
  const length = (index: number): number => tokensOf(examples[index], definition)
  const order = examples.map((_, index) => index).sort((a, b) => length(b) - length(a) || a - b)
  const lengths = order.map((index) => ({ inputIds: { length: length(index) } }))
  const maxTokens = Math.max(tokensPerBatch, lengths[0]?.inputIds.length ?? 0)
  let done = 0
  for (const places of batches(lengths, { batchSize: examples.length, maxTokens, shuffle: false })) {
    if (signal?.aborted === true) throw new AttuneError('aborted', 'evaluation was aborted', { cause: signal.reason })
    const indices = places.map((place) => order[place] ?? 0)
    const chosen = indices.map((index) => examples[index] as ModelExample)
    const evaluation = await model.evaluateBatch(batchOf(chosen, definition))
    yield { rows: measure.rows(chosen, evaluation, definition), indices, targets: evaluation.tokens }
    done += chosen.length
    onBatch?.(done)
  }
}

/** Of both sides, where there is a decoder. */
function tokensOf(example: ModelExample | undefined, { task }: ModelDefinition): number {
  if (example === undefined) return 0
  const { inputIds, labels } = example
  return inputIds.length + (task === 'seq2seq-lm' && typeof labels !== 'number' ? labels.length : 0)
}
