import type { DataFinding } from '../data/encoded-task.js'
import type { AttuneErrorCode, RowReason } from '../errors.js'

/** error: training would refuse the data. warning: it would train, but probably not on what was meant. note: good to know. */
export const severities = ['error', 'warning', 'note'] as const
export type Severity = (typeof severities)[number]

/** Stable, as the codes of errors are. An error's is that of the `AttuneError` which training would throw. */
export type FindingCode =
  | AttuneErrorCode
  | DataFinding['code']
  | 'few-rows'
  | 'truncated-rows'
  | 'skipped-rows'
  | 'masked-rows'
  | 'empty-texts'
  | 'duplicate-rows'
  | 'near-duplicate-rows'
  | 'conflicting-labels'
  | 'several-answers'
  | 'leakage'
  | 'near-leakage'
  | 'imbalanced-classes'
  | 'single-class'
  | 'ignored-fields'
  | 'inconsistent-fields'
  | 'odd-characters'
  | 'mixed-scripts'
  | 'personal-data'
  | 'unknown-tokens'
  | 'hosted-format'

/** A row that a finding is about. */
export interface FindingPlace {
  /** `file:line`, or as the row is called otherwise. */
  readonly origin: string
  /** What it is there. */
  readonly what?: string
}

/** Something that one would want to know before training. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  readonly message: string
  /** What to do about it. */
  readonly advice: string
  /** The first rows it is about; at most ten. */
  readonly where: readonly FindingPlace[]
  /** What is true of these rows, each thing once, the most frequent first; at most ten. Absent where no two rows share one. */
  readonly reasons?: readonly RowReason[]
  /** How many rows, or whatever the message counts, there are in all. */
  readonly count: number
}

/** The most severe first; among equals those about more rows. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding): number => severities.indexOf(severity)
  return [...findings].sort((a, b) => rank(a) - rank(b) || b.count - a.count)
}
