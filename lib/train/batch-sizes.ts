/** The sizes of a run's micro-batches, and the largest of them. */
import { collate, type EncodedExample } from '../data/example.js'
import type { ExampleSizes } from '../data/example-sizes.js'
import type { PreparedData } from '../data/prepare-data.js'
import { AttuneError } from '../errors.js'
import type { BatchSizes } from '../models/batch.js'
import type { Model, StepMemoryOptions } from '../models/model.js'
import type { NativeMemory } from '../native.js'
import type { StepPlan } from './step-plan.js'

/** The example as an epoch sees it. */
export function exampleAt({ examples, atEpoch }: PreparedData, index: number, epoch: number): EncodedExample {
  return atEpoch === undefined || epoch === 0 ? examples.at(index) : atEpoch(index, epoch)
}

/** @throws AttuneError 'sequence-too-long' naming a row that no batch of `batchTokens` holds */
export function requireFit({ sizes, examples }: PreparedData, batchTokens = Infinity): void {
  const tooLong = sizes.lengths.findIndex((length) => length > batchTokens)
  if (tooLong < 0) return
  const where = examples.at(tooLong).origin ?? `options.train[${tooLong}]`
  const message = `${where} has ${sizes.lengths[tooLong]} tokens, more than options.batchTokens (${batchTokens}): raise that, or shorten rows with options.maxLength and options.truncation`
  throw new AttuneError('sequence-too-long', message, { where })
}

/** The batch that needs the most memory. That grows with every size, so only batches that no other exceeds in all are asked for. */
export function largestBatch(
  model: Pick<Model, 'plan' | 'batchSizes' | 'definition'>,
  data: PreparedData,
  steps: StepPlan,
  options: StepMemoryOptions,
): { sizes: BatchSizes; memory: NativeMemory } {
  const sizesAt = (index: number, epoch: number): ExampleSizes =>
    data.atEpoch === undefined || epoch === 0
      ? data.sizes.at(index)
      : model.batchSizes(collate([exampleAt(data, index, epoch)], model.definition))
  let front: ExampleSizes[] = []
  for (let step = 0; step < steps.steps; step++) {
    const epoch = steps.epochOf(step)
    for (const batch of steps.microBatches(step)) {
      const sizes = batch.map((index) => sizesAt(index, epoch)).reduce(sum)
      if (front.some((other) => covers(other, sizes))) continue
      front = [...front.filter((other) => !covers(sizes, other)), sizes]
    }
  }
  const { gradientAccumulationSteps } = steps
  const planned = front.map((sizes) => ({
    sizes,
    memory: model.plan(sizes, { ...options, gradientAccumulationSteps }),
  }))
  return planned.reduce((a, b) => (b.memory.total > a.memory.total ? b : a))
}

/** Tokens of both sides. */
export function tokensOf(data: PreparedData, indices: readonly number[]): number {
  return indices.reduce((total, index) => {
    const { tokens, decoderTokens = 0 } = data.sizes.at(index)
    return total + tokens + decoderTokens
  }, 0)
}

function sum(a: ExampleSizes, b: ExampleSizes): ExampleSizes {
  return {
    tokens: a.tokens + b.tokens,
    sequences: a.sequences + b.sequences,
    rows: a.rows + b.rows,
    ...(a.decoderTokens === undefined ? {} : { decoderTokens: a.decoderTokens + (b.decoderTokens ?? 0) }),
    ...(a.candidates === undefined ? {} : { candidates: a.candidates + (b.candidates ?? 0) }),
  }
}

function covers(a: ExampleSizes, b: ExampleSizes): boolean {
  return (
    a.tokens >= b.tokens &&
    a.sequences >= b.sequences &&
    a.rows >= b.rows &&
    (a.decoderTokens ?? 0) >= (b.decoderTokens ?? 0) &&
    (a.candidates ?? 0) >= (b.candidates ?? 0)
  )
}
