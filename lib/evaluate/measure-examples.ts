import { requireNotAborted } from '../abort.js'
import { AttuneError } from '../errors.js'
import { batches } from '../data/batches.js'
import type { DatasetRow } from '../data/rows.js'
import type { ModelDefinition } from '../models/family.js'
import type { Batch } from '../models/batch.js'
import type { BatchEvaluation } from '../models/model.js'
import type { Tensor } from '../models/tensor.js'
import { settleOptions } from '../options.js'
import { collate, type EncodedExample } from '../data/example.js'
import { listOf, type ExampleList } from '../data/example-list.js'
import { metricOptions, type MetricOptions } from './metric-options.js'
import { withMeasure } from './tasks/index.js'
import type { MeasuredRow, RowOfExample, RowSource, TaskMeasure } from './tasks/task-measure.js'
import { requireMetrics } from './metric-names.js'

/** As much of a `Model` as measuring needs. */
export interface EvaluatedModel {
  readonly definition: ModelDefinition
  evaluateBatch(batch: Batch): Promise<BatchEvaluation>
  forward(batch: Batch): Promise<{ logits: Tensor }>
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
  /** Of the dataset that the examples are of: answers to questions are cut from their texts. */
  readonly rows?: readonly DatasetRow[] | undefined
}

export interface MeasuredExamples {
  /** By the names that were asked for. */
  readonly metrics: Readonly<Record<string, number>>
  readonly examples: number
  /** Rows they are of: fewer where long ones were cut into windows that are put together again. */
  readonly rows: number
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
  given: readonly EncodedExample[] | ExampleList,
  { metrics: names, metricOptions: chosen, rows, ...stream }: MeasureOptions,
): Promise<MeasuredExamples> {
  const { definition } = model
  const examples = listOf(given)
  const wanted = requireMetrics(names, definition)
  const context = { labels: definition.labels, options: settleOptions(metricOptions, chosen) }
  if (examples.length === 0) {
    throw new AttuneError('empty-dataset', 'there are no examples to measure', { where: 'examples' })
  }
  return withMeasure(definition, async (measure) => {
    const metrics = wanted.flatMap((name) => {
      const metric = measure.metrics[name]?.accumulate(context)
      return metric === undefined ? [] : [{ name, metric }]
    })
    let [targets, measured] = [0, 0]
    const source = { definition, examples, rows, context }
    for await (const batch of measuredRows(model, measure, source, stream)) {
      for (const { row } of batch.rows) for (const { metric } of metrics) metric.add(row)
      targets += batch.targets
      measured += batch.rows.length
    }
    const values = metrics.map(({ name, metric }) => [name, metric.value()] as const)
    return { metrics: Object.fromEntries(values), examples: examples.length, rows: measured, targets }
  })
}

export interface RowsOfBatch<Row> {
  readonly rows: readonly RowOfExample<Row>[]
  /** What of the batch has a label: tokens, or rows. */
  readonly targets: number
}

/** The rows of the task, batch by batch. Examples of like length go together, in an order that only the examples decide. */
export async function* measuredRows<Row extends MeasuredRow>(
  model: EvaluatedModel,
  measure: TaskMeasure<Row>,
  source: RowSource,
  { tokensPerBatch, onBatch, signal }: StreamOptions,
): AsyncGenerator<RowsOfBatch<Row>, void, void> {
  const { definition, examples } = source
  const reader = measure.reader(source)
  const tokens = Int32Array.from(examples, (example) => tokensOf(example, definition))
  const length = (index: number): number => tokens[index] ?? 0
  const order = Int32Array.from(tokens, (_, index) => index).sort((a, b) => length(b) - length(a) || a - b)
  const lengths = order.map(length)
  const maxTokens = Math.max(tokensPerBatch, lengths[0] ?? 0)
  let done = 0
  for (const places of batches(lengths, { maxTokens, shuffle: false })) {
    requireNotAborted(signal, 'evaluation was aborted')
    const indices = places.map((place) => order[place] ?? 0)
    const chosen = indices.map((index) => examples.at(index))
    const batch = collate(chosen, definition)
    const evaluation = await model.evaluateBatch(batch)
    const embeddings = definition.task === 'embedding' ? (await model.forward(batch)).logits : undefined
    const rows = reader.read(indices, { ...evaluation, embeddings })
    // Several windows of a text are one thing to predict.
    yield { rows, targets: definition.task === 'sequence-classification' ? rows.length : evaluation.tokens }
    done += chosen.length
    onBatch?.(done)
  }
  if (reader.finish !== undefined) yield { rows: reader.finish(), targets: 0 }
}

/** Of all texts of the example, and of the decoder. */
function tokensOf(example: EncodedExample, { task }: ModelDefinition): number {
  const { inputIds } = example
  if ('positiveIds' in example) {
    return inputIds.length + example.positiveIds.length + (example.negativeIds?.length ?? 0)
  }
  return inputIds.length + (task === 'seq2seq-lm' && typeof example.labels !== 'number' ? example.labels.length : 0)
}
