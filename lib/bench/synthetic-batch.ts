/** Labelled batches of random tokens: what a step takes does not depend on what the tokens say. */
import { maskTokens } from '../data/mask-tokens.js'
import { RandomStream } from '../data/random.js'
import type { Batch } from '../models/batch.js'
import type { ModelDefinition } from '../models/family.js'

export interface SyntheticSizes {
  /** Labelled rows; of embeddings pairs of rows. */
  readonly rows: number
  /** Tokens of each. */
  readonly length: number
  /** Tokens of each target, of an encoder-decoder. */
  readonly targetLength: number
}

type LabelledBatch = Batch & Required<Pick<Batch, 'inputIds' | 'labels'>>

/** As masked language models are trained (Devlin et al. 2019). */
const maskedPart = 0.15

/** A batch with labels for the model's task; always the same for the same sizes. */
export function syntheticBatch(definition: ModelDefinition, sizes: SyntheticSizes): LabelledBatch {
  const { task, labels: names, vocabularySize } = definition
  const { rows, length, targetLength } = sizes
  const random = new RandomStream('bench', 0)
  const tokens = (count: number, many = rows): Int32Array[] =>
    Array.from({ length: many }, () => Int32Array.from({ length: count }, () => random.nextBelow(vocabularySize)))
  if (task === 'embedding') {
    return { inputIds: tokens(length, 2 * rows), labels: Array.from({ length: rows }, (_, row) => row) }
  }
  const inputIds = tokens(length)
  switch (task) {
    case 'causal-lm':
      return { inputIds, labels: inputIds }
    case 'seq2seq-lm':
      return { inputIds, labels: tokens(targetLength) }
    case 'masked-lm':
      return masked(inputIds)
    case 'token-classification':
      return { inputIds, labels: inputIds.map((row) => row.map(() => random.nextBelow(names.length))) }
    case 'question-answering':
      return { inputIds, labels: inputIds.map(() => spanWithin(length, random)) }
    case 'sequence-classification':
      return { inputIds, labels: inputIds.map(() => textLabel(definition, random)) }
  }
}

function masked(texts: readonly Int32Array[]): LabelledBatch {
  const pairs = texts.map((inputIds, index) => {
    const units = inputIds.map((_, at) => at)
    const mask = { maskTokenId: 0, replacements: Int32Array.of(0), probability: maskedPart, seed: 0, epoch: 0, index }
    return maskTokens({ inputIds, units }, mask)
  })
  return { inputIds: pairs.map(({ inputIds }) => inputIds), labels: pairs.map(({ labels }) => labels) }
}

function spanWithin(length: number, random: RandomStream): number[] {
  const start = random.nextBelow(length)
  return [start, start + random.nextBelow(length - start)]
}

function textLabel({ problemType, labels }: ModelDefinition, random: RandomStream): number | number[] {
  if (problemType === 'regression') return labels.map(() => random.nextUnit())
  if (problemType === 'multi_label_classification') return labels.map(() => random.nextBelow(2))
  return random.nextBelow(labels.length)
}
