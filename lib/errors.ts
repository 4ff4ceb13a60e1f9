/** Stable codes: tests and callers match on them. Extend the list, never rename. */
export type AttuneErrorCode =
  | 'invalid-option'
  | 'invalid-attribute'
  | 'shape-mismatch'
  | 'dtype-mismatch'
  | 'missing-input'
  | 'unknown-op'
  | 'not-differentiable'
  | 'missing-kernel'
  | 'out-of-memory'
  | 'disposed'
  | 'aborted'
  | 'file-not-found'
  | 'file-write-failed'
  | 'invalid-file'
  | 'invalid-json'
  | 'repository-not-found'
  | 'revision-not-found'
  | 'access-denied'
  | 'download-failed'
  | 'checksum-mismatch'
  | 'not-cached'
  | 'invalid-safetensors'
  | 'invalid-config'
  | 'unsupported-architecture'
  | 'unsupported-device'
  | 'device-failed'
  | 'unsupported-task'
  | 'weights-mismatch'
  | 'invalid-adapter'
  | 'no-match'
  | 'invalid-batch'
  | 'sequence-too-long'
  | 'invalid-dataset'
  | 'empty-dataset'
  | 'unknown-label'
  | 'mixed-label-types'
  | 'label-count-mismatch'
  | 'all-labels-masked'
  | 'invalid-tokenizer'
  | 'invalid-chat-template'
  | 'chat-template-failed'
  | 'invalid-input'
  | 'nan-loss'
  | 'invalid-checkpoint'
  | 'missing-addon'
  | 'internal'

/** A row of a dataset and what is wrong with it. */
export interface RowProblem {
  /** `file:line`, or as the row is called otherwise. */
  readonly origin: string
  readonly what: string
}

/** What is wrong with some rows of a dataset, the same thing with each. */
export interface RowReason {
  readonly what: string
  /** How many rows it is true of. */
  readonly count: number
  /** The first of them, at most ten: `file:line`, or as the row is called otherwise. */
  readonly origins: readonly string[]
}

export interface AttuneErrorOptions {
  /** What is guilty: an option path, a file and line, a parameter, a node. */
  readonly where?: string
  readonly cause?: unknown
  /** Of an error about rows: the first of them. */
  readonly rows?: readonly RowProblem[]
  /** How many rows it is about. */
  readonly rowCount?: number
  /** What is wrong with them, each thing once, at most ten. */
  readonly reasons?: readonly RowReason[]
}

/** The one error class of attune: says what was wrong, where, and what to do. */
export class AttuneError extends Error {
  override readonly name = 'AttuneError'
  readonly code: AttuneErrorCode
  readonly where: string | undefined
  /** Of an error about rows: the first of them, and what is wrong with each. */
  readonly rows: readonly RowProblem[]
  /** How many rows it is about. */
  readonly rowCount: number
  /** Of an error about rows: what is wrong with them, each thing once, at most ten. */
  readonly reasons: readonly RowReason[]

  constructor(code: AttuneErrorCode, message: string, options: AttuneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.where = options.where
    this.rows = options.rows ?? []
    this.rowCount = options.rowCount ?? this.rows.length
    this.reasons = options.reasons ?? []
  }
}
