import type { DataFinding } from '../data/encoded-task.js'

/** What a run warns about: before it starts, and (the last two) while it goes on. */
export type WarningCode =
  | 'few-rows'
  | 'many-epochs'
  | 'truncated-rows'
  | 'skipped-rows'
  | 'few-steps'
  | 'new-head'
  | 'imbalanced-classes'
  | DataFinding['code']
  | 'overfitting'
  | 'earlier-run'
