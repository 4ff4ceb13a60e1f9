import type { PreparedData } from '../data/prepare-data.js'
import type { LossOptions } from '../models/task.js'
import type { StepPlan } from './step-plan.js'
import type { StepSource } from './step-source.js'
import type { TrainingPlan } from './training-plan.js'
import type { ValidationMetrics } from './validation.js'

/** A run made ready, whatever it trains on. */
export interface PreparedCourse {
  readonly plan: TrainingPlan
  readonly source: StepSource
  readonly validation: PreparedData | undefined
  /** Where there are validation rows. */
  readonly metrics: ValidationMetrics | undefined
  readonly loss: Partial<LossOptions>
}

/** A run on rows that are all known, made ready: the rows encoded, the steps laid out, the parameters chosen. */
export interface PreparedRun extends PreparedCourse {
  readonly steps: StepPlan
  readonly train: PreparedData
}
