/** What a checkpoint remembers of a run, and how steps and evaluations change it. */
import type { CheckpointState } from './checkpoint.js'
import { freshEarlyStopping } from './early-stopping.js'

export function freshState(seed: number, options: Readonly<Record<string, unknown>>, data: string): CheckpointState {
  return {
    step: 0,
    epoch: 0,
    random: { seed, draw: 0 },
    options,
    data,
    evaluated: -1,
    best: null,
    earlyStopping: freshEarlyStopping,
    history: [],
    running: { evaluationLoss: 0, evaluationSteps: 0, epochLoss: 0, epochSteps: 0, tokens: 0, seconds: 0 },
    finished: false,
  }
}

export interface StepDone {
  readonly loss: number
  readonly tokens: number
  readonly seconds: number
  /** Passes over the data after it. */
  readonly epoch: number
  readonly beginsEpoch: boolean
  readonly random: CheckpointState['random']
}

export function afterStep(state: CheckpointState, done: StepDone): CheckpointState {
  const { running } = state
  const { loss, beginsEpoch } = done
  return {
    ...state,
    step: state.step + 1,
    epoch: done.epoch,
    random: done.random,
    running: {
      evaluationLoss: running.evaluationLoss + loss,
      evaluationSteps: running.evaluationSteps + 1,
      epochLoss: (beginsEpoch ? 0 : running.epochLoss) + loss,
      epochSteps: (beginsEpoch ? 0 : running.epochSteps) + 1,
      tokens: running.tokens + done.tokens,
      seconds: running.seconds + done.seconds,
    },
  }
}

export interface EvaluationDone extends Pick<CheckpointState, 'best' | 'earlyStopping'> {
  readonly metrics: Readonly<Record<string, number>>
}

export function afterEvaluation(
  state: CheckpointState,
  { metrics, best, earlyStopping }: EvaluationDone,
): CheckpointState {
  const { running } = state
  const training = running.evaluationLoss / Math.max(1, running.evaluationSteps)
  return {
    ...state,
    evaluated: state.step,
    best,
    earlyStopping,
    history: [...state.history, { training, validation: metrics.loss ?? NaN }],
    running: { ...running, evaluationLoss: 0, evaluationSteps: 0 },
  }
}

/** As JSON has it, which knows no NaN and no infinity. */
export function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

export function nullable(values: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, numberOrNull(value)]))
}

export function numbers(values: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? NaN]))
}
