/** What each step of a run trains on: rows that are all known, or a stream of them. */
import { setImmediate } from 'node:timers/promises'
import type { ExampleBatch } from '../data/example.js'
import type { PreparedData } from '../data/prepare-data.js'
import type { Model } from '../models/model.js'
import { tokensOf } from './batch-sizes.js'
import { digestExamples } from './run-identity.js'
import { batchesOfStep } from './run-work.js'
import type { StepPlan } from './step-plan.js'
import type { StreamPosition } from './stream-position.js'
import type { Warning } from './warnings.js'

/** The batches of one step. */
export interface StepData {
  readonly batches: readonly ExampleBatch[]
  readonly tokens: number
  /** Whether an epoch begins with it. */
  readonly beginsEpoch: boolean
  /** Passes over the data when it is done. */
  readonly epochAfter: number
}

export interface StepSource {
  readonly steps: number
  /** The pass over the data, from 0, that a step is in. */
  epochOf(step: number): number
  /** Whether an epoch ends with this many steps done; the end of the run counts as one. */
  endsEpoch(steps: number): boolean
  /** What says that the rows are those of another run. */
  digest(): Promise<string>
  /** Of a step (from 0): each once, in their order, the first that `resume` names. */
  take(step: number): Promise<StepData>
  /** Where the next step begins, for a checkpoint, if the step's number does not say it. */
  position(): Promise<StreamPosition | undefined>
  resume(position: StreamPosition | undefined): void
  /** What was found since it was asked last. */
  warnings(): readonly Warning[]
  close(): void
}

/** Steps of rows that are all known: all follows from the step's number. The next one is made while a step is computed. */
export class KnownSteps implements StepSource {
  readonly #model: Model
  readonly #data: PreparedData
  readonly #plan: StepPlan
  #ahead: { readonly step: number; readonly data: Promise<StepData> } | undefined

  constructor(model: Model, data: PreparedData, plan: StepPlan) {
    this.#model = model
    this.#data = data
    this.#plan = plan
  }

  get steps(): number {
    return this.#plan.steps
  }

  epochOf(step: number): number {
    return this.#plan.epochOf(step)
  }

  endsEpoch(steps: number): boolean {
    return this.#plan.endsEpoch(steps)
  }

  digest(): Promise<string> {
    return digestExamples(this.#data.examples)
  }

  async take(step: number): Promise<StepData> {
    const data = this.#ahead?.step === step ? await this.#ahead.data : this.#make(step)
    const next = step + 1
    this.#ahead = next < this.steps ? { step: next, data: this.#makeLater(next) } : undefined
    // Heard when the step is taken, if it comes to that.
    this.#ahead?.data.catch(() => undefined)
    return data
  }

  /** After the turn of the event loop in which the step before is handed to the core. */
  async #makeLater(step: number): Promise<StepData> {
    await setImmediate()
    return this.#make(step)
  }

  #make(step: number): StepData {
    return {
      batches: batchesOfStep(this.#model, this.#data, this.#plan, step),
      tokens: tokensOf(this.#data, this.#plan.microBatches(step).flat()),
      beginsEpoch: this.#plan.beginsEpoch(step),
      epochAfter: this.#plan.epochAfter(step + 1),
    }
  }

  position(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  resume(): void {}

  warnings(): readonly Warning[] {
    return []
  }

  close(): void {}
}
