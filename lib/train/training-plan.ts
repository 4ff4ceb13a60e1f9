import type { BatchSizes } from '../models/batch.js'
import type { NativeMemory } from '../native.js'
import type { ParameterCounts } from './trained-parameters.js'
import type { WarningCode } from './warning-code.js'

/** What a run will do and need, known before its first step. */
export interface TrainingPlan {
  readonly parameters: ParameterCounts
  /** Rows trained on, after those left out. */
  readonly rows: number
  readonly validationRows: number
  /** Tokens of one epoch. */
  readonly tokens: number
  readonly labelledTokens: number
  /** Tokens of the longest row. */
  readonly longest: number
  readonly truncated: number
  readonly skipped: number
  readonly epochs: number
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly warmupSteps: number
  readonly learningRate: number
  /** The batch that needs the most memory. */
  readonly largestBatch: BatchSizes
  /** Exact bytes, with that batch. */
  readonly memory: NativeMemory
  readonly warnings: readonly { readonly code: WarningCode; readonly message: string }[]
  readonly instructionSet: string
  readonly threads: number
}
