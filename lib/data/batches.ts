import { AttuneError } from '../errors.js'
import { RandomStream } from './random.js'

export interface BatchOptions {
  /** The most examples in a batch. */
  readonly batchSize: number
  /** The most tokens in a batch; batches get shorter where examples are long. Default: no limit. */
  readonly maxTokens?: number | undefined
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

/**
 * One epoch's batches as lists of indices of examples, `lengths` being their tokens. Nothing is padded. The result depends only on the examples'
 * lengths and the options, so a run resumes at (epoch, batch) by asking again with `startBatch`.
 * @throws AttuneError 'invalid-option', 'sequence-too-long' (one example alone is over `maxTokens`)
 */
export function batches(lengths: ArrayLike<number>, options: BatchOptions): number[][] {
  const { batchSize, maxTokens = Infinity, shuffle = true, seed = 0, epoch = 0, startBatch = 0 } = options
  requireCount('batchSize', batchSize, 1)
  requireCount('startBatch', startBatch, 0)
  requireCount('epoch', epoch, 0)
  if (maxTokens !== Infinity) requireCount('maxTokens', maxTokens, 1)
  const length = (index: number): number => lengths[index] ?? 0

  const random = new RandomStream('order', seed, epoch)
  let order = shuffle ? random.permutation(lengths.length) : Array.from(lengths, (_, index) => index)
  if (options.groupByLength === true) order = sortWithinGroups(order, batchSize * batchesPerGroup, length)

  const result: number[][] = []
  let batch: number[] = []
  let tokens = 0
  for (const index of order) {
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
  if (shuffle && options.groupByLength === true) random.shuffle(result)
  return result.slice(startBatch)
}

function sortWithinGroups(order: readonly number[], size: number, length: (index: number) => number): number[] {
  const sorted: number[] = []
  for (let start = 0; start < order.length; start += size) {
    sorted.push(...order.slice(start, start + size).sort((a, b) => length(b) - length(a)))
  }
  return sorted
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
