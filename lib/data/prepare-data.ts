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
  const labelledTokens = countLabels(data, { maxPositions, vocabularySize, where })
  const tokens = data.reduce((sum, { inputIds }) => sum + inputIds.length, 0)
  return { examples: data, tokens, labelledTokens, longest: longestOf(data), truncated: 0, skipped: 0 }
}

function countLabels(
  rows: readonly EncodedExample[],
  { maxPositions, vocabularySize, where }: Pick<PrepareOptions, 'maxPositions' | 'vocabularySize' | 'where'>,
): number {
  let labelled = 0
  rows.forEach(({ inputIds, labels }, row) => {
    const at = `${where}[${row}]`
    if (inputIds.length === 0 || inputIds.length !== labels.length) {
      const message = `${at}: expected as many labels as token ids, at least one, received ${inputIds.length} ids and ${labels.length} labels`
      throw new AttuneError('invalid-batch', message, { where: at })
    }
    if (inputIds.length > maxPositions) {
      const message = `${at} has ${inputIds.length} tokens, the model takes ${maxPositions}: shorten it`
      throw new AttuneError('sequence-too-long', message, { where: at })
    }
    const foreign = Array.from(inputIds).find((id) => id < 0 || id >= vocabularySize)
    if (foreign !== undefined) {
      const message = `${at} has token id ${foreign}; the model's vocabulary has ${vocabularySize}: is it another model's tokenizer?`
      throw new AttuneError('invalid-batch', message, { where: at })
    }
    labelled += countTargets(labels)
  })
  if (labelled === 0) {
    const message = `no token of ${where} carries loss: all labels are ${ignoredLabel}`
    throw new AttuneError('all-labels-masked', message, { where })
  }
  return labelled
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
