import { batches } from '../data/batches.js'

export interface StepPlanOptions {
  readonly epochs: number
  readonly maxSteps: number | undefined
  readonly batchSize: number
  readonly gradientAccumulationSteps: number
  readonly warmupSteps: number | undefined
  readonly warmupRatio: number
  readonly shuffle: boolean
  readonly groupByLength: boolean
  readonly seed: number
}

/**
 * Which rows each step of a run trains on. All of it follows from the step's number, so a checkpoint needs no more
 * than that number to go on with the same rows.
 */
export class StepPlan {
  readonly stepsPerEpoch: number
  readonly steps: number
  readonly warmupSteps: number
  readonly #lengths: ArrayLike<number>
  readonly #options: StepPlanOptions
  #epoch = -1
  #batches: readonly number[][] = []

  /** @param lengths of the examples, in tokens */
  constructor(lengths: ArrayLike<number>, options: StepPlanOptions) {
    const { epochs, maxSteps, batchSize, gradientAccumulationSteps, warmupSteps, warmupRatio } = options
    this.#lengths = lengths
    this.#options = options
    this.stepsPerEpoch = Math.ceil(Math.ceil(lengths.length / batchSize) / gradientAccumulationSteps)
    this.steps = maxSteps ?? Math.ceil(epochs * this.stepsPerEpoch)
    this.warmupSteps = warmupSteps ?? Math.ceil(warmupRatio * this.steps)
  }

  /** The micro-batches of a step (from 0), as indices of examples. The last step of an epoch may have fewer. */
  microBatches(step: number): readonly number[][] {
    const epoch = this.epochOf(step)
    if (epoch !== this.#epoch) {
      const { batchSize, shuffle, groupByLength, seed } = this.#options
      this.#batches = batches(this.#lengths, { batchSize, shuffle, groupByLength, seed, epoch })
      this.#epoch = epoch
    }
    const size = this.#options.gradientAccumulationSteps
    const first = (step - epoch * this.stepsPerEpoch) * size
    return this.#batches.slice(first, first + size)
  }

  /** The pass over the data, from 0, that a step (from 0) is in. */
  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch)
  }

  /** Passes over the data after this many steps. */
  epochAfter(steps: number): number {
    return steps / this.stepsPerEpoch
  }

  /** Whether an epoch ends with this many steps done; the end of the run counts as one. */
  endsEpoch(steps: number): boolean {
    return steps % this.stepsPerEpoch === 0 || steps === this.steps
  }
}
