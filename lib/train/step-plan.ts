import { batches } from '../data/batches.js'

export interface StepPlanOptions {
  readonly epochs: number
  readonly maxSteps: number | undefined
  /** Examples, or bins. Absent: as many as go. */
  readonly batchSize: number | undefined
  readonly batchTokens?: number | undefined
  readonly packing?: boolean | undefined
  /** Tokens of a bin. */
  readonly maxLength?: number | undefined
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
  /** Of the first epoch: where batches are made by tokens another may have a few more or less. */
  readonly stepsPerEpoch: number
  readonly steps: number
  readonly warmupSteps: number
  readonly #lengths: ArrayLike<number>
  readonly #options: StepPlanOptions
  readonly #binTokens: number | undefined
  /** First step of each epoch, as far as they are known. */
  readonly #starts = [0]
  #epoch = -1
  #batches: readonly number[][] = []

  /** @param lengths tokens of each example */
  constructor(lengths: ArrayLike<number>, options: StepPlanOptions) {
    const { epochs, maxSteps, warmupSteps, warmupRatio, packing, maxLength } = options
    this.#lengths = lengths
    this.#options = options
    this.#binTokens = packing === true ? (maxLength ?? longest(lengths)) : undefined
    this.stepsPerEpoch = this.#stepsOf(0)
    this.steps = maxSteps ?? this.#stepsOfEpochs(epochs)
    this.warmupSteps = warmupSteps ?? Math.ceil(warmupRatio * this.steps)
  }

  /** Micro-batches of a step; the last step of an epoch may have fewer. */
  get gradientAccumulationSteps(): number {
    return this.#options.gradientAccumulationSteps
  }

  /** The micro-batches of a step (from 0), as indices of examples. */
  microBatches(step: number): readonly number[][] {
    const { epoch, start } = this.#placeOf(step)
    const size = this.#options.gradientAccumulationSteps
    const first = (step - start) * size
    return this.#batchesOf(epoch).slice(first, first + size)
  }

  /** The pass over the data, from 0, that a step (from 0) is in. */
  epochOf(step: number): number {
    return this.#placeOf(step).epoch
  }

  /** Passes over the data after this many steps. */
  epochAfter(steps: number): number {
    const { epoch, start } = this.#placeOf(steps)
    return steps === start ? epoch : epoch + (steps - start) / this.#stepsOf(epoch)
  }

  beginsEpoch(step: number): boolean {
    return this.#placeOf(step).start === step
  }

  /** Whether an epoch ends with this many steps done; the end of the run counts as one. */
  endsEpoch(steps: number): boolean {
    return steps === this.steps || this.beginsEpoch(steps)
  }

  #placeOf(step: number): { readonly epoch: number; readonly start: number } {
    for (let epoch = this.#starts.findLastIndex((start) => start <= step); ; epoch++) {
      const start = this.#startOf(epoch)
      if (step === start || step < this.#startOf(epoch + 1)) return { epoch, start }
    }
  }

  #startOf(epoch: number): number {
    for (let last = this.#starts.length - 1; last < epoch; last++) {
      this.#starts.push((this.#starts[last] ?? 0) + this.#stepsOf(last))
    }
    return this.#starts[epoch] ?? 0
  }

  #stepsOfEpochs(epochs: number): number {
    const whole = Math.floor(epochs)
    const part = epochs - whole
    return this.#startOf(whole) + (part === 0 ? 0 : Math.ceil(part * this.#stepsOf(whole)))
  }

  #stepsOf(epoch: number): number {
    const { batchSize, batchTokens, gradientAccumulationSteps } = this.#options
    // How many there are differs from epoch to epoch only where tokens decide.
    const isFixed = batchTokens === undefined && this.#binTokens === undefined
    const count = isFixed ? Math.ceil(this.#lengths.length / (batchSize ?? Infinity)) : this.#batchesOf(epoch).length
    return Math.max(1, Math.ceil(count / gradientAccumulationSteps))
  }

  #batchesOf(epoch: number): readonly number[][] {
    if (epoch === this.#epoch) return this.#batches
    const { batchSize, batchTokens: maxTokens, shuffle, groupByLength, seed } = this.#options
    const binTokens = this.#binTokens
    this.#batches = batches(this.#lengths, { batchSize, maxTokens, binTokens, shuffle, groupByLength, seed, epoch })
    this.#epoch = epoch
    return this.#batches
  }
}

function longest(lengths: ArrayLike<number>): number {
  let most = 1
  for (let index = 0; index < lengths.length; index++) most = Math.max(most, lengths[index] ?? 0)
  return most
}
