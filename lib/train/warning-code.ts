import type { FindingCode } from '../inspect/finding.js'

/** What a run warns about: before it starts, and (the last three, and of streams those about rows) while it goes on. */
export type WarningCode =
  'many-epochs' | 'few-steps' | 'new-head' | FindingCode | 'bad-rows' | 'overfitting' | 'earlier-run'
