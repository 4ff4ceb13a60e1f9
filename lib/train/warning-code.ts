import type { FindingCode } from '../inspect/finding.js'

/** What a run warns about: before it starts, and (the last two) while it goes on. */
export type WarningCode = 'many-epochs' | 'few-steps' | 'new-head' | FindingCode | 'overfitting' | 'earlier-run'
