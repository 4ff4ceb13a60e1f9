import type { LengthCounts } from '../data/length-counts.js'
import type { BatchSizes } from '../models/batch.js'
import type { NativeMemory, NativeWork } from '../native.js'
import type { PlanSuggestion } from './plan-suggestion.js'
import type { ProcessMemory } from './process-memory.js'
import type { MeasuredStep } from './time-fit.js'
import type { ParameterCounts } from './trained-parameters.js'
import type { WarningCode } from './warning-code.js'

/**
 * What a run will do and need, known before its first step. Of a stream NaN stands for what only reading it would tell, and memory and
 * largest batch are upper bounds.
 */
export interface TrainingPlan extends LengthCounts {
  readonly parameters: ParameterCounts
  /** Examples trained on, after those left out; several of one row where it is cut into windows. */
  readonly rows: number
  readonly validationRows: number
  /** Tokens of one epoch. */
  readonly tokens: number
  readonly labelledTokens: number
  /** Tokens of the longest row. */
  readonly longest: number
  readonly epochs: number
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly warmupSteps: number
  readonly learningRate: number
  /** The batch that needs the most memory. */
  readonly largestBatch: BatchSizes
  /** Exact bytes, with that batch. */
  readonly memory: NativeMemory
  /** Whether the backward pass computes each layer again, for which there are fewer activations. */
  readonly gradientCheckpointing: boolean
  /** The same beside what the process and the machine have. */
  readonly process: ProcessMemory
  /** Floating-point operations of all steps; a multiply-add is two. With gradual unfreezing as if all were trained from the start. */
  readonly flops: number
  /** The same by kind. */
  readonly work: NativeWork
  /** Of the whole run, estimated. Only of `plan`, unless it was not to measure. */
  readonly seconds?: number
  /** What `seconds` is made of. */
  readonly time?: TimeEstimate
  /** What the model makes of some rows before it is trained. Only of `plan`, unless it was not to measure. */
  readonly base?: BaseResult
  readonly warnings: readonly { readonly code: WarningCode; readonly message: string }[]
  /** What could be changed. Only of `plan`. */
  readonly suggestions?: readonly PlanSuggestion[]
  readonly device: 'cpu' | 'cuda'
  /** The instruction set of a processor's kernels, the name of a GPU. */
  readonly hardware: string
  readonly threads: number
}

/** Seconds. */
export interface TimeEstimate {
  readonly seconds: number
  readonly training: number
  readonly validation: number
  /** Of checkpoints and the result, where every evaluation is the best so far. */
  readonly saving: number
  /**
   * How even the machine's pace was while it was measured: the time of the fastest and of the slowest quarter of the steps,
   * 1 being the estimate's.
   */
  readonly pace: { readonly fastest: number; readonly slowest: number }
  /** The steps that it was estimated from. */
  readonly measured: readonly MeasuredStep[]
}

export interface BaseResult {
  readonly on: 'validation' | 'training'
  /** So many rows, evenly spread. */
  readonly rows: number
  readonly metrics: Readonly<Record<string, number>>
}
