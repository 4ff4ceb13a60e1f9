/** What a training run reports, in order of appearance: 'start' first, 'done' last. */
import type { TrainingPlan } from './training-plan.js'
import type { WarningCode } from './warning-code.js'

export interface StartEvent extends TrainingPlan {
  readonly type: 'start'
  /** The step that a resumed run goes on from; 0 otherwise. */
  readonly step: number
  /** The checkpoint it goes on from. */
  readonly resumedFrom: string | undefined
}

export interface StepEvent {
  readonly type: 'step'
  /** Optimizer steps done, this one included. */
  readonly step: number
  readonly steps: number
  /** Passes over the data done, as a fraction. */
  readonly epoch: number
  /** Mean over the step's labelled tokens or rows, before the update. */
  readonly loss: number
  readonly learningRate: number
  /** Before clipping. */
  readonly gradNorm: number
  /** All tokens of the step, and what has a label: tokens, or rows. */
  readonly tokens: number
  readonly labelledTokens: number
  readonly tokensPerSecond: number
  readonly seconds: number
  /** Until the end of the run, estimated from the steps and evaluations so far. */
  readonly secondsLeft: number
  /** Bytes the model holds. */
  readonly memory: number
}

export interface EvaluationEvent {
  readonly type: 'evaluation'
  readonly step: number
  readonly epoch: number
  readonly loss: number
  /** exp(loss), of language models. */
  readonly perplexity?: number
  /** Share of what is labelled that the model finds likeliest, where that was measured. */
  readonly accuracy?: number
  /** All that was measured, the loss too. */
  readonly metrics: Readonly<Record<string, number>>
  /** Labelled tokens, or rows. */
  readonly tokens: number
  readonly seconds: number
  /** Whether this is the best so far. */
  readonly best: boolean
}

/** Gradual unfreezing trains more layers from the next step on. */
export interface UnfreezeEvent {
  readonly type: 'unfreeze'
  readonly step: number
  readonly epoch: number
  /** Parameters trained from now on. */
  readonly trained: number
  /** Of so many stages, this one; from 1. */
  readonly stage: number
  readonly stages: number
}

export interface CheckpointEvent {
  readonly type: 'checkpoint'
  readonly step: number
  readonly epoch: number
  readonly path: string
  readonly reason: 'interval' | 'aborted' | 'end'
  readonly seconds: number
}

export interface WarningEvent {
  readonly type: 'warning'
  readonly code: WarningCode
  readonly message: string
  readonly step: number
}

export interface DoneEvent {
  readonly type: 'done'
  readonly step: number
  readonly epoch: number
  /** Mean of the last epoch's steps. */
  readonly trainLoss: number
  /** Of the best state, where there are validation rows. */
  readonly validationLoss: number | undefined
  readonly validationMetrics: Readonly<Record<string, number>> | undefined
  readonly bestStep: number | undefined
  readonly reason: 'finished' | 'early-stopping'
  readonly seconds: number
  readonly tokens: number
  /** Where the result lies. */
  readonly output: string | undefined
}

export type TrainingEvent =
  StartEvent | StepEvent | EvaluationEvent | UnfreezeEvent | CheckpointEvent | WarningEvent | DoneEvent
