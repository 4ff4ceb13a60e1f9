/** The floating-point work of a run, counted on its own batches. */
import { collate, continuesRow, type EncodedExample, type ExampleBatch } from '../data/example.js'
import type { PreparedData } from '../data/prepare-data.js'
import type { Model } from '../models/model.js'
import type { LossOptions } from '../models/task.js'
import type { NativeWork } from '../native.js'
import { exampleAt, tokensOf } from './batch-sizes.js'
import type { StepPlan } from './step-plan.js'

/** Of more steps than this so many are counted, evenly spread, and the rest by their tokens. */
const countedSteps = 256

export interface WorkOfStep {
  /** From 0. */
  readonly step: number
  readonly work: NativeWork
}

export interface CountedSteps {
  readonly total: NativeWork
  /** Those that were counted. */
  readonly steps: readonly WorkOfStep[]
}

/** The micro-batches of a step, as the model takes them. */
export function batchesOfStep(model: Model, data: PreparedData, steps: StepPlan, step: number): ExampleBatch[] {
  const epoch = steps.epochOf(step)
  return steps.microBatches(step).map((batch) =>
    collate(
      batch.map((index) => exampleAt(data, index, epoch)),
      model.definition,
    ),
  )
}

/** Of the steps from `from` to before `to`, each with what the model trains now. */
export function countSteps(
  model: Model,
  data: PreparedData,
  steps: StepPlan,
  loss: Partial<LossOptions>,
  [from, to]: readonly [number, number] = [0, steps.steps],
): CountedSteps {
  const chosen = new Set(evenly(to - from, countedSteps).map((at) => from + at))
  const counted: WorkOfStep[] = []
  let tokens = 0
  let countedTokens = 0
  for (let step = from; step < to; step++) {
    const inStep = tokensOf(data, steps.microBatches(step).flat())
    tokens += inStep
    if (!chosen.has(step)) continue
    countedTokens += inStep
    const work = batchesOfStep(model, data, steps, step).map((batch) => model.work(batch, loss))
    counted.push({ step, work: work.reduce(addWork, noWork) })
  }
  const sum = counted.map(({ work }) => work).reduce(addWork, noWork)
  return { total: countedTokens === tokens ? sum : scaled(sum, tokens / Math.max(1, countedTokens)), steps: counted }
}

/** Of `count` places, at most `most`, evenly spread. */
export function evenly(count: number, most: number): number[] {
  const chosen = Math.min(count, most)
  return Array.from({ length: chosen }, (_, i) => Math.floor(((i + 0.5) * count) / chosen))
}

export function examplesAt({ examples }: PreparedData, places: readonly number[]): EncodedExample[] {
  return places.map((place) => examples.at(place))
}

/** The places with all windows of the rows that they are of. */
export function wholeRows({ examples }: PreparedData, places: readonly number[]): number[] {
  const isFurther = (place: number): boolean =>
    place > 0 && place < examples.length && continuesRow(examples.at(place - 1), examples.at(place))
  const all = new Set<number>()
  for (const place of places) {
    let first = place
    while (isFurther(first)) first--
    all.add(first)
    for (let next = first + 1; isFurther(next); next++) all.add(next)
  }
  return [...all]
}

export const noWork: NativeWork = { products: 0, attention: 0, elements: 0, total: 0 }

export function addWork(a: NativeWork, b: NativeWork): NativeWork {
  return {
    products: a.products + b.products,
    attention: a.attention + b.attention,
    elements: a.elements + b.elements,
    total: a.total + b.total,
  }
}

export function scaled({ products, attention, elements, total }: NativeWork, by: number): NativeWork {
  return { products: products * by, attention: attention * by, elements: elements * by, total: total * by }
}
