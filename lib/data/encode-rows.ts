/** The rows of a dataset as a run takes them: encoded now, or read from the cache where they were encoded before. */
import type { Task } from '../task.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { encodeForTask, type TaskOptions } from './encode-for-task.js'
import type { DataFinding, EncodedTask } from './encoded-task.js'
import type { Dataset } from './dataset.js'
import { datasetDigest, encodingKey } from './encoding-key.js'
import type { EncodingOptions } from './encoding-options.js'
import type { EncodedExample } from './example.js'
import { listOf, type ExampleList } from './example-list.js'
import { lengthCounts, type LengthCounts } from './length-counts.js'
import { encodeStorable, examplesOfStore } from './storable-examples.js'
import { cachedTokens } from './token-cache.js'

export interface EncodedRows extends LengthCounts {
  readonly examples: ExampleList
  /** Example `index` as epoch `epoch` sees it, where that differs. */
  readonly atEpoch?: ((index: number, epoch: number) => EncodedExample) | undefined
  readonly findings: readonly DataFinding[]
}

/**
 * @param taskOptions what decides the examples
 * @throws AttuneError as the task's encoder does, and 'file-write-failed' for a cache that cannot be written
 */
export async function encodeRows(
  task: Task,
  dataset: Dataset,
  tokenizer: Tokenizer,
  taskOptions: TaskOptions<Task>,
  { cache, signal, onEncoding }: Pick<EncodingOptions, 'cache' | 'signal' | 'onEncoding'>,
): Promise<EncodedRows> {
  const options: TaskOptions<Task> = {
    ...taskOptions,
    signal,
    onRows: onEncoding && progressOf(task, dataset, onEncoding),
  }
  if (typeof cache !== 'string') {
    const encoded: EncodedTask<EncodedExample> = await encodeForTask(task, dataset, tokenizer, options)
    return { ...encoded, examples: listOf<EncodedExample>(encoded.examples) }
  }
  const key = encodingKey({ task, tokenizer, options: taskOptions, data: await datasetDigest(dataset) })
  const { path, problem, found, summary, ...stored } = await cachedTokens(cache, key, async (writer) => {
    const { examples, summary: counted } = await encodeStorable(task, dataset, tokenizer, options)
    await writer.add(examples)
    return counted
  })
  if (found) onEncoding?.({ rows: dataset.length, ofRows: dataset.length })
  const rebuilt: DataFinding[] =
    problem === undefined
      ? []
      : [{ code: 'token-cache-rebuilt', message: `the token store ${path} was made anew: ${problem}`, origins: [] }]
  return {
    ...examplesOfStore(task, stored.examples, tokenizer, taskOptions),
    ...lengthCounts(summary),
    findings: [...rebuilt, ...summary.findings],
  }
}

/** Some tasks tokenize the texts of a row one after the other: source and target, anchors and what belongs to them. */
function progressOf(
  task: Task,
  { rows: { length: ofRows }, rows }: Dataset,
  onEncoding: NonNullable<EncodingOptions['onEncoding']>,
): (texts: number) => void {
  const negatives = task === 'embedding' ? rows.filter((row) => 'negative' in row && row.negative !== undefined) : []
  const texts = ofRows * (task === 'embedding' || task === 'seq2seq-lm' ? 2 : 1) + negatives.length
  let done = 0
  return (more) => {
    done += more
    onEncoding({ rows: Math.floor((done / texts) * ofRows), ofRows })
  }
}
