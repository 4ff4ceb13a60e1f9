/** What early stopping remembers; part of a checkpoint. */
export interface EarlyStoppingState {
  /** Best value so far. */
  readonly best: number | null
  /** Evaluations since the best. */
  readonly waited: number
}

export interface EarlyStoppingOptions {
  /** Evaluations without improvement after which training stops. */
  readonly patience: number
  /** An improvement is a change for the better by more than this. */
  readonly minDelta: number
  readonly greaterIsBetter: boolean
}

export const freshEarlyStopping: EarlyStoppingState = { best: null, waited: 0 }

/** Whether a value is better than the best so far, by more than `minDelta`. One that is no number never is. */
export function improves(
  value: number,
  best: number | null,
  { greaterIsBetter, minDelta = 0 }: { readonly greaterIsBetter: boolean; readonly minDelta?: number },
): boolean {
  if (Number.isNaN(value)) return false
  if (best === null) return true
  return greaterIsBetter ? value > best + minDelta : value < best - minDelta
}

/** The state after an evaluation. */
export function observe(state: EarlyStoppingState, value: number, options: EarlyStoppingOptions): EarlyStoppingState {
  return improves(value, state.best, options) ? { best: value, waited: 0 } : { ...state, waited: state.waited + 1 }
}

export function shouldStop(state: EarlyStoppingState, { patience }: Pick<EarlyStoppingOptions, 'patience'>): boolean {
  return state.waited >= patience
}
