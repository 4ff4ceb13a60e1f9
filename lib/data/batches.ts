import { AttuneError } from '../errors.js'
import { packBestFit } from './packing.js'
import { RandomStream } from './random.js'

export interface BatchOptions {
  /** The most examples in a batch; with `binTokens` the most bins. Default: no limit. */
  readonly batchSize?: number | undefined
  /** The most tokens in a batch; batches get shorter where examples are long. Default: no limit. */
  readonly maxTokens?: number | undefined
  /**
   * Packs examples into bins of at most this many tokens, and batches are made of bins: so each has about as many tokens. A
   * longer example has a bin of its own. Default: no packing.
   */
  readonly binTokens?: number | undefined
  /** Whether examples come in random order. Default: true. */
  readonly shuffle?: boolean | undefined
  /** Decides the order, together with `epoch`. Default: 0. */
  readonly seed?: number | undefined
  /** Counted from 0; each epoch has an order of its own. Default: 0. */
  readonly epoch?: number | undefined
  /** Whether examples of like length share a batch. Batches still come in random order. Default: false. */
  readonly groupByLength?: boolean | undefined
  /** Whether a last batch with fewer than `batchSize` examples is left out. Default: false. */
  readonly dropLast?: boolean | undefined
  /** The first batch to give, to go on where a run stopped. Default: 0. */
  readonly startBatch?: number | undefined
}

// Sorting by length happens within this many batches, so that epochs still differ; as transformers' sampler does.
const batchesPerGroup = 50
// Packing happens among a quarter of the examples, so that epochs differ, but among no fewer than fill this many bins, as few
// examples fill bins badly, and no more than fill this many, where more would not fill them any better.
const groupsPerEpoch = 4
const [leastBinsPerGroup, mostBinsPerGroup] = [16, 256]

/**
 * One epoch's batches as lists of example indices, each example once. Nothing is padded. The result depends only on the
 * lengths and the options, so a run resumes at (epoch, batch) by asking again with `startBatch`.
 * @param lengths tokens of each example
 * @throws AttuneError 'invalid-option', 'sequence-too-long' (one example alone is over `maxTokens`)
 */
export function batches(lengths: ArrayLike<number>, options: BatchOptions = {}): number[][] {
  const { shuffle = true, seed = 0, epoch = 0, startBatch = 0, binTokens } = options
  for (const name of ['batchSize', 'maxTokens', 'binTokens'] as const) {
    if (options[name] !== undefined && options[name] !== Infinity) requireCount(name, options[name], 1)
  }
  requireCount('startBatch', startBatch, 0)
  requireCount('epoch', epoch, 0)
  const random = new RandomStream('order', seed, epoch)
  const order = shuffle ? random.permutation(lengths.length) : Array.from(lengths, (_, index) => index)
  const result =
    binTokens === undefined ? filled(order, lengths, options) : packed(order, lengths, binTokens, options, random)
  if (binTokens === undefined && shuffle && options.groupByLength === true) random.shuffle(result)
  return result.slice(startBatch)
}

/** Examples one after the other, as many as go into a batch. */
function filled(order: number[], lengths: ArrayLike<number>, options: BatchOptions): number[][] {
  const { batchSize = Infinity, maxTokens = Infinity } = options
  const length = (index: number): number => lengths[index] ?? 0
  const limits = { examples: batchSize * batchesPerGroup, tokens: maxTokens * batchesPerGroup }
  const sorted = options.groupByLength === true ? sortWithinGroups(order, lengths, limits) : order
  const result: number[][] = []
  let batch: number[] = []
  let tokens = 0
  for (const index of sorted) {
    if (length(index) > maxTokens) {
      throw new AttuneError(
        'sequence-too-long',
        `example ${index} has ${length(index)} tokens, more than options.maxTokens allows in a batch (${maxTokens})`,
        { where: 'options.maxTokens' },
      )
    }
    if (batch.length === batchSize || tokens + length(index) > maxTokens) {
      result.push(batch)
      batch = []
      tokens = 0
    }
    batch.push(index)
    tokens += length(index)
  }
  if (batch.length === batchSize || (batch.length > 0 && options.dropLast !== true)) result.push(batch)
  return result
}

/** Bins one after the other, as many as go into a batch. */
function packed(
  order: readonly number[],
  lengths: ArrayLike<number>,
  binTokens: number,
  { batchSize = 1, shuffle = true, dropLast = false }: BatchOptions,
  random: RandomStream,
): number[][] {
  const total = order.reduce((sum, index) => sum + (lengths[index] ?? 0), 0)
  const tokens = Math.min(Math.max(total / groupsPerEpoch, leastBinsPerGroup * binTokens), mostBinsPerGroup * binTokens)
  const bins = groups(order, lengths, { examples: Infinity, tokens }).flatMap((group) =>
    packBestFit(group, lengths, binTokens),
  )
  // Else the bins that were filled last, and least, would always come together.
  if (shuffle) random.shuffle(bins)
  const result: number[][] = []
  for (let start = 0; start < bins.length; start += batchSize) {
    const chosen = bins.slice(start, start + batchSize)
    if (chosen.length === batchSize || !dropLast) result.push(chosen.flat())
  }
  return result
}

interface GroupLimits {
  readonly examples: number
  readonly tokens: number
}

/** Neighbours in the order, until there are as many examples or tokens. */
function groups(order: readonly number[], lengths: ArrayLike<number>, limits: GroupLimits): number[][] {
  const result: number[][] = []
  let group: number[] = []
  let tokens = 0
  for (const index of order) {
    if (group.length >= limits.examples || tokens >= limits.tokens) {
      result.push(group)
      group = []
      tokens = 0
    }
    group.push(index)
    tokens += lengths[index] ?? 0
  }
  return [...result, group]
}

function sortWithinGroups(order: readonly number[], lengths: ArrayLike<number>, limits: GroupLimits): number[] {
  return groups(order, lengths, limits).flatMap((group) => group.sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0)))
}

function requireCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new AttuneError(
    'invalid-option',
    `options.${name} should be a whole number from ${least} on, received ${value}`,
    {
      where: `options.${name}`,
    },
  )
}
