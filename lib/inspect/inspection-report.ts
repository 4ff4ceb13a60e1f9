/** What `inspectData` gives: plain data, that JSON holds. */
import type { ShapeName } from '../data/rows.js'
import type { Task } from '../task.js'
import type { FieldCount } from './field-check.js'
import type { Finding, Severity } from './finding.js'
import type { HostedSettings } from './hosted-settings.js'
import type { LabelCount } from './label-book.js'
import type { LongRow, TruncationSummary } from './length-check.js'
import type { LengthSummary } from './length-counter.js'
import type { ShownExample } from './show-row.js'
import type { PersonalDataCount, ScriptCount } from './text-check.js'

export interface InspectedFile {
  /** '' where rows are of no file. */
  readonly path: string
  /** That can be used. */
  readonly rows: number
  readonly unreadable: number
}

export interface InspectionReport {
  readonly files: readonly InspectedFile[]
  /** Training rows that can be used. */
  readonly rows: number
  /** Lines and rows that cannot be read. */
  readonly unreadable: number
  /** 0 where none were given. */
  readonly validationRows: number
  /** Of a config; they are read, and not looked at further. */
  readonly testRows: number
  /** Undefined where no row could be read. */
  readonly shape: ShapeName | undefined
  /** How the rows are read, in words. */
  readonly reading: string
  /** Fields beside those that are read. */
  readonly ignoredFields: readonly FieldCount[]
  /** What the rows are inspected for; undefined where no task takes them. */
  readonly task: Task | undefined
  /** Of training examples: tokens, or characters where there is no tokenizer. */
  readonly unit: 'tokens' | 'characters'
  readonly lengths: LengthSummary | undefined
  readonly longest: readonly LongRow[]
  /** In an epoch, what carries loss: tokens, or rows; absent where there is no tokenizer. */
  readonly trained?: number
  /** Absent where no longest length is known. */
  readonly truncation?: TruncationSummary
  /** None where rows have no labels. */
  readonly labels: readonly LabelCount[]
  /** Of training rows, the most frequent first. */
  readonly scripts: readonly ScriptCount[]
  /** Of training rows: kinds and counts, never what stands there. */
  readonly personalData: readonly PersonalDataCount[]
  /** Rows that were not looked at for near duplicates: there are too many. */
  readonly notCompared: number
  /** What the hosted service's 'auto' would choose; absent for rows that it does not take. */
  readonly hosted?: HostedSettings
  /** As many as were asked for. */
  readonly examples: readonly ShownExample[]
  /** The most severe first. */
  readonly findings: readonly Finding[]
  readonly counts: Readonly<Record<Severity, number>>
  /** Whether the data can be trained on: there is no finding of severity 'error'. */
  readonly trainable: boolean
  /** The same in words. */
  readonly verdict: string
  readonly seconds: number
}
