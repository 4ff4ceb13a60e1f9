/** Evaluations in a row with rising validation loss and falling training loss that make a warning. */
export const overfittingEvaluations = 2

export interface LossPair {
  /** Mean of the steps since the evaluation before. */
  readonly training: number
  readonly validation: number
}

/** Whether the model learns its rows by heart: validation loss rises while training loss falls, several times in a row. */
export function overfits(history: readonly LossPair[]): boolean {
  const recent = history.slice(-overfittingEvaluations - 1)
  if (recent.length <= overfittingEvaluations) return false
  return recent.every((pair, i) => {
    const before = recent[i - 1]
    return before === undefined || (pair.validation > before.validation && pair.training < before.training)
  })
}
