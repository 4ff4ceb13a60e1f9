/** The examples of each task as they are stored, and back. Of masked-lm the texts are stored, and masked when they are read. */
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Task } from '../task.js'
import type { Dataset } from './dataset.js'
import { encodeForTask, type TaskOptions } from './encode-for-task.js'
import { encodeMaskableTexts, maskedExamples, type MaskableRow } from './encode-masked-lm.js'
import type { EncodedTask } from './encoded-task.js'
import type { EncodedExample } from './example.js'
import type { StoredExample } from './example-codec.js'
import { lengthCounts } from './length-counts.js'
import type { ExampleList } from './example-list.js'
import type { TokenSummary } from './token-store.js'

export interface StorableExamples {
  readonly examples: readonly (StoredExample & { readonly row: number })[]
  readonly summary: TokenSummary
}

/** @throws AttuneError as the task's encoder does */
export async function encodeStorable(
  task: Task,
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: TaskOptions<Task>,
): Promise<StorableExamples> {
  if (task === 'masked-lm') {
    const { texts, ...counts } = await encodeMaskableTexts(dataset, tokenizer, options)
    return { examples: texts, summary: { ...counts, targets: 0, findings: [] } }
  }
  const encoded: EncodedTask<EncodedExample & { readonly row: number }> = await encodeForTask(
    task,
    dataset,
    tokenizer,
    options,
  )
  const { examples, tokens, targets, findings } = encoded
  return { examples, summary: { tokens, targets, ...lengthCounts(encoded), findings } }
}

/** What a run takes of stored examples. */
export function examplesOfStore(
  task: Task,
  stored: ExampleList<StoredExample>,
  tokenizer: Tokenizer,
  options: TaskOptions<Task>,
): {
  readonly examples: ExampleList
  readonly atEpoch?: ((index: number, epoch: number) => EncodedExample) | undefined
} {
  if (task === 'masked-lm') return maskedExamples(stored as ExampleList<MaskableRow>, tokenizer, options)
  return { examples: stored as ExampleList }
}
