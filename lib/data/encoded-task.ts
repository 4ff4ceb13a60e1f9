import type { ProblemType } from '../task.js'
import type { LengthCounts } from './length-counts.js'

/** One example of any task but embeddings, as token ids and what is to be predicted. */
export interface TaskExample {
  readonly inputIds: Int32Array
  /**
   * causal-lm, masked-lm, token-classification: an id per token, -100: none. seq2seq-lm: the target's token ids.
   * sequence-classification: a class, a list of 0 and 1, or numbers to predict. question-answering: first and last
   * token of the answer.
   */
  readonly labels: number | readonly number[] | Int32Array
  /** 1 for the second text of a pair; absent where all are 0. */
  readonly tokenTypeIds?: Int32Array
  /** Index of the row in the dataset; several examples may be of one row. */
  readonly row: number
  /** Of a long text of a classifier or tagger: which window of the row it is, from 0; absent where the text is whole. */
  readonly window?: number
  /** Where the row came from, as `file:line` or `row N`. */
  readonly origin: string
}

/** Two texts that should lie close to each other, and one that should not. */
export interface EmbeddingExample {
  /** The anchor. */
  readonly inputIds: Int32Array
  readonly positiveIds: Int32Array
  readonly negativeIds?: Int32Array
  readonly row: number
  readonly origin: string
}

/** Something that is no error, but that one would want to know. */
export interface DataFinding {
  readonly code:
    | 'class-absent-from-validation'
    | 'class-absent-from-training'
    | 'class-with-few-rows'
    | 'answer-in-no-window'
    | 'word-without-token'
    | 'token-cache-rebuilt'
  readonly message: string
  /** The rows it is about, as `file:line`; at most ten. */
  readonly origins: readonly string[]
}

export interface EncodedTask<Example = TaskExample> extends LengthCounts {
  readonly examples: readonly Example[]
  /** Names of what the head predicts, by index; empty where the task has none. */
  readonly labels: readonly string[]
  /** Only of sequence classification. */
  readonly problemType?: ProblemType
  /** Tokens in all examples. */
  readonly tokens: number
  /** What is to be predicted: labelled tokens, or rows. */
  readonly targets: number
  readonly findings: readonly DataFinding[]
  /** Example `index` as epoch `epoch` sees it, where that differs (masked-lm); `examples` are those of epoch 0. */
  readonly atEpoch?: (index: number, epoch: number) => Example
}

const originsShown = 10

/** A finding about some rows; nothing where there are none. */
export function findingAbout(code: DataFinding['code'], origins: readonly string[], what: string): DataFinding[] {
  if (origins.length === 0) return []
  const shown = origins.slice(0, originsShown)
  const more = origins.length > shown.length ? ` and ${origins.length - shown.length} more` : ''
  return [{ code, origins: shown, message: `${what}: ${shown.join(', ')}${more}` }]
}
