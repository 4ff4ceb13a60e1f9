/** Examples of a stream side by side, as many as go into a batch. */
import type { EncodedExample } from '../data/example.js'
import type { ExampleChunk } from './stream-examples.js'

export interface StreamBatch {
  readonly examples: readonly EncodedExample[]
  readonly tokens: number
  /** The chunk that its last example is of, and how many of that are used up with it. */
  readonly chunk: ExampleChunk
  readonly used: number
  /** Whether the pass ends with it. */
  readonly isLast: boolean
}

export interface StreamBatchOptions {
  /** The most examples. Absent: no limit. */
  readonly batchSize: number | undefined
  /** The most tokens. Absent: no limit. */
  readonly batchTokens: number | undefined
  /** Examples of the first chunk that are left out. */
  readonly skip: number
}

/** A full batch is given before an error of the examples after it. */
export async function* streamBatches(
  chunks: AsyncIterable<ExampleChunk>,
  { batchSize = Infinity, batchTokens = Infinity, skip }: StreamBatchOptions,
): AsyncGenerator<StreamBatch, void, void> {
  let batch: Omit<StreamBatch, 'isLast'> | undefined
  let first = skip
  try {
    for await (const chunk of chunks) {
      for (let index = first; index < chunk.examples.length; index++) {
        const example = chunk.examples[index]
        const length = chunk.lengths[index] ?? 0
        if (example === undefined) continue
        if (batch !== undefined && (batch.examples.length >= batchSize || batch.tokens + length > batchTokens)) {
          yield { ...batch, isLast: false }
          batch = undefined
        }
        const { examples, tokens } = batch ?? { examples: [], tokens: 0 }
        batch = { examples: [...examples, example], tokens: tokens + length, chunk, used: index + 1 }
      }
      first = 0
    }
  } catch (error) {
    if (batch !== undefined && batch.examples.length >= batchSize) yield { ...batch, isLast: false }
    throw error
  }
  if (batch !== undefined) yield { ...batch, isLast: true }
}
