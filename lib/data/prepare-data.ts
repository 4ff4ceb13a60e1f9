import { AttuneError } from '../errors.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { Dataset } from './dataset.js'
import { encodeDataset, ignoredLabel, type EncodeDatasetOptions } from './encode.js'

/** A row as token ids; labels are aligned with them, -100: no loss. */
export interface EncodedExample {
  readonly inputIds: Int32Array | readonly number[]
  readonly labels: Int32Array | readonly number[]
}

/** Rows of a dataset, or rows encoded already. */
export type TrainingData = Dataset | readonly EncodedExample[]

/** Examples ready to be trained on or measured, and what was counted on the way. */
export interface PreparedData {
  readonly examples: readonly EncodedExample[]
  readonly tokens: number
  /** Tokens with a label that something predicts. */
  readonly labelledTokens: number
  readonly longest: number
  readonly truncated: number
  /** Rows left out: too long, or encoded rows without a label. */
  readonly skipped: number
}

export interface PrepareOptions extends EncodeDatasetOptions {
  /** What the model takes. */
  readonly maxPositions: number
  readonly vocabularySize: number
  /** Option path of the data, for messages. */
  readonly where: string
}

/**
 * Encodes a dataset, or checks rows that are encoded already.
 * @throws AttuneError 'empty-dataset', 'all-labels-masked', 'sequence-too-long', 'invalid-batch'
 */
export async function prepareData(
  data: TrainingData,
  tokenizer: () => Promise<Tokenizer>,
  options: PrepareOptions,
): Promise<PreparedData> {
  const { maxPositions, vocabularySize, where, ...encoding } = options
  if (data.length === 0) throw new AttuneError('empty-dataset', `${where} has no rows`, { where })
  const maxLength = Math.min(encoding.maxLength ?? maxPositions, maxPositions)
  if (data instanceof Dataset) {
    const { examples, tokens, targets, truncated, skipped } = await encodeDataset(data, await tokenizer(), {
      ...encoding,
      maxLength,
    })
    if (examples.length === 0) {
      const message = `all ${skipped} rows of ${where} were left out: each has more than ${maxLength} tokens`
      throw new AttuneError('empty-dataset', message, { where })
    }
    return { examples, tokens, labelledTokens: targets, longest: longestOf(examples), truncated, skipped }
  }
  const examples = data.filter((row, index) =>
    isLabelled(row, { maxPositions, vocabularySize, where: `${where}[${index}]` }),
  )
  if (examples.length === 0) {
    const message = `no token of ${where} carries loss: all labels are ${ignoredLabel}`
    throw new AttuneError('all-labels-masked', message, { where })
  }
  const labelledTokens = examples.reduce((sum, { labels }) => sum + countTargets(labels), 0)
  const tokens = examples.reduce((sum, { inputIds }) => sum + inputIds.length, 0)
  return {
    examples,
    tokens,
    labelledTokens,
    longest: longestOf(examples),
    truncated: 0,
    skipped: data.length - examples.length,
  }
}

function isLabelled(
  { inputIds, labels }: EncodedExample,
  { maxPositions, vocabularySize, where }: Pick<PrepareOptions, 'maxPositions' | 'vocabularySize' | 'where'>,
): boolean {
  if (inputIds.length === 0 || inputIds.length !== labels.length) {
    const message = `${where}: expected as many labels as token ids, at least one, received ${inputIds.length} ids and ${labels.length} labels`
    throw new AttuneError('invalid-batch', message, { where })
  }
  if (inputIds.length > maxPositions) {
    const message = `${where} has ${inputIds.length} tokens, the model takes ${maxPositions}: shorten it`
    throw new AttuneError('sequence-too-long', message, { where })
  }
  const foreign = Array.from(inputIds).find((id) => id < 0 || id >= vocabularySize)
  if (foreign !== undefined) {
    const message = `${where} has token id ${foreign}; the model's vocabulary has ${vocabularySize}: is it another model's tokenizer?`
    throw new AttuneError('invalid-batch', message, { where })
  }
  return countTargets(labels) > 0
}

/** Labels that are asked for: nothing predicts the first token of a row. */
export function countTargets(labels: ArrayLike<number>): number {
  let targets = 0
  for (let i = 1; i < labels.length; i++) if (labels[i] !== ignoredLabel) targets++
  return targets
}

function longestOf(rows: readonly EncodedExample[]): number {
  return rows.reduce((longest, { inputIds }) => Math.max(longest, inputIds.length), 0)
}
