import { AttuneError } from '../errors.js'
import { batches } from '../data/batches.js'
import { collate, type EncodedExample } from '../data/example.js'
import type { Batch } from '../models/batch.js'

/** Sums over the labelled tokens of a batch. */
export interface BatchLoss {
  readonly lossSum: number
  /** Tokens with a label. */
  readonly tokens: number
  /** Of those, the ones whose likeliest token is the label. */
  readonly correct: number
}

export interface LossModel {
  evaluateBatch(batch: Batch): Promise<BatchLoss>
}

export interface MeasuredLoss {
  /** Mean over labelled tokens: −log p. */
  readonly loss: number
  readonly perplexity: number
  readonly accuracy: number
  readonly tokens: number
}

export interface LossOptions {
  readonly tokensPerBatch: number
  readonly onBatch?: ((rows: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The loss over rows, each labelled token counting alike. Rows of like length go together, and sums are taken in one
 * fixed order, so the same rows give the same bits.
 */
export async function measureLoss(
  model: LossModel,
  examples: readonly EncodedExample[],
  { tokensPerBatch, onBatch, signal }: LossOptions,
): Promise<MeasuredLoss> {
  const longest = examples.reduce((length, { inputIds }) => Math.max(length, inputIds.length), 0)
  const order = examples.map((_, index) => index).sort((a, b) => length(b) - length(a) || a - b)
  const sorted = order.map((index) => examples[index] as EncodedExample)
  const limit = Math.max(tokensPerBatch, longest)
  let lossSum = 0
  let tokens = 0
  let correct = 0
  let rows = 0
  for (const indices of batches(sorted, { batchSize: sorted.length, maxTokens: limit, shuffle: false })) {
    if (signal?.aborted === true) throw new AttuneError('aborted', 'evaluation was aborted', { cause: signal.reason })
    const chosen = indices.map((index) => sorted[index] as EncodedExample)
    const result = await model.evaluateBatch(collate(chosen))
    lossSum += result.lossSum
    tokens += result.tokens
    correct += result.correct
    rows += chosen.length
    onBatch?.(rows)
  }
  const loss = lossSum / tokens
  return { loss, perplexity: Math.exp(loss), accuracy: correct / tokens, tokens }

  function length(index: number): number {
    return examples[index]?.inputIds.length ?? 0
  }
}
