/** What early stopping remembers; part of a checkpoint. */
export interface EarlyStoppingState {
  /** Best value so far. */
  readonly best: number
  /** Evaluations since the best. */
  readonly waited: number
}

export interface EarlyStoppingOptions {
  /** Evaluations without improvement after which training stops. */
  readonly patience: number
  /** An improvement is a fall by more than this. */
  readonly minDelta: number
}

export const freshEarlyStopping: EarlyStoppingState = { best: Infinity, waited: 0 }

/** The state after an evaluation. Smaller is better. */
export function observe(
  state: EarlyStoppingState,
  loss: number,
  { minDelta }: EarlyStoppingOptions,
): EarlyStoppingState {
  return loss < state.best - minDelta ? { best: loss, waited: 0 } : { best: state.best, waited: state.waited + 1 }
}

export function shouldStop(state: EarlyStoppingState, { patience }: EarlyStoppingOptions): boolean {
  return state.waited >= patience
}
