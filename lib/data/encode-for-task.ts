import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { encodeDataset, type EncodeDatasetOptions } from './encode.js'
import { encodeEmbedding } from './encode-embedding.js'
import { encodeMaskedLm } from './encode-masked-lm.js'
import { encodeQuestionAnswering } from './encode-question-answering.js'
import { encodeSeq2Seq } from './encode-seq2seq.js'
import { encodeSequenceClassification } from './encode-sequence-classification.js'
import { encodeTokenClassification } from './encode-token-classification.js'
import type { EncodedTask } from './encoded-task.js'
import type { Task } from '../task.js'

/** How the rows of a dataset become the examples of each task. */
export const taskEncoders = {
  'causal-lm': encodeCausalLm,
  'sequence-classification': encodeSequenceClassification,
  'token-classification': encodeTokenClassification,
  'question-answering': encodeQuestionAnswering,
  'masked-lm': encodeMaskedLm,
  'seq2seq-lm': encodeSeq2Seq,
  embedding: encodeEmbedding,
} as const satisfies Record<Task, (dataset: Dataset, tokenizer: Tokenizer) => Promise<EncodedTask<unknown>>>

export type TaskEncoders = typeof taskEncoders

/** What the encoder of a task takes. */
export type TaskOptions<Name extends Task> = NonNullable<Parameters<TaskEncoders[Name]>[2]>

/**
 * Encodes a dataset for a task.
 * @throws AttuneError as the task's encoder does
 */
export function encodeForTask<Name extends Task>(
  task: Name,
  dataset: Dataset,
  tokenizer: Tokenizer,
  options?: TaskOptions<Name>,
): ReturnType<TaskEncoders[Name]> {
  type Encoder = (dataset: Dataset, tokenizer: Tokenizer, options?: TaskOptions<Name>) => ReturnType<TaskEncoders[Name]>
  return (taskEncoders[task] as unknown as Encoder)(dataset, tokenizer, options)
}

/** Text for a causal model, as `encodeDataset` makes it. */
async function encodeCausalLm(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: EncodeDatasetOptions = {},
): Promise<EncodedTask> {
  return { ...(await encodeDataset(dataset, tokenizer, options)), labels: [], findings: [] }
}
