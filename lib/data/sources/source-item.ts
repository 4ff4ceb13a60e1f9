import type { AttuneErrorCode } from '../../errors.js'

/** A row as its file has it, before anything is known of its shape. */
export interface SourceRow {
  /** `file:line`; `file[index]` in a JSON list; `file row N` in Parquet. */
  readonly origin: string
  readonly value: unknown
  readonly code?: undefined
}

/** A place that cannot be read as a row. */
export interface SourceProblem {
  readonly origin: string
  readonly code: AttuneErrorCode
  readonly what: string
}

export type SourceItem = SourceRow | SourceProblem
