import { stat } from 'node:fs/promises'
import { AttuneError, type AttuneErrorCode, type RowProblem } from '../errors.js'
import { ColumnsSeen } from './columns-seen.js'
import { checkChoice, numericFields, resolveOptions, type LoadDatasetOptions } from './load-dataset.js'
import { RowProblems } from './row-problems.js'
import { RowReader } from './row-reader.js'
import type { DatasetRow, RowAlias, ShapeName } from './rows.js'
import { readSource } from './sources/read-source.js'
import { resolveFiles } from './sources/resolve-files.js'
import type { SourceItem } from './sources/source-item.js'

/** Rows of a program's own. */
export type Rows = Iterable<DatasetRow | RowAlias> | AsyncIterable<DatasetRow | RowAlias>

/** Paths, patterns and folders; rows; or a function that gives the rows from the first one on, each time it is called. */
export type StreamSource = string | readonly string[] | Rows | (() => Rows)

/**
 * As of `loadDataset`. `onBadRow: 'error'` ends a pass at the first bad row, 'skip' leaves bad rows out and tells of them.
 */
export type StreamOptions = LoadDatasetOptions

export interface StreamedRow {
  readonly row: DatasetRow
  /** `file:line`, or `row N` of a program's rows. */
  readonly origin: string
}

// A chunk of a program's rows: few, as they may come slowly.
const rowsPerChunk = 64

/** Rows that are read while they are used, and are never all in memory. */
export class RowStream implements AsyncIterable<DatasetRow> {
  readonly #source: StreamSource
  readonly #options: StreamOptions
  #shape: ShapeName | undefined
  #passes = 0

  /** See `streamDataset`. */
  constructor(source: StreamSource, options: StreamOptions) {
    this.#source = source
    this.#options = options
    this.#shape = options.shape
  }

  /** The shape of the rows: that of the option, else known once the first row was read. */
  get shape(): ShapeName | undefined {
    return this.#shape
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DatasetRow, void, void> {
    for await (const rows of this.pass()) for (const { row } of rows) yield row
  }

  /**
   * All rows from the first on, in chunks. The good rows before a bad one are given before its error.
   * @param onSkipped is told of each row that is left out, as `onBadRow: 'skip'` asks
   * @throws AttuneError as `loadDataset` does; 'invalid-dataset' where the rows were gone over before and cannot be again
   */
  async *pass(onSkipped?: (bad: RowProblem) => void): AsyncGenerator<readonly StreamedRow[], void, void> {
    await this.#requireRows()
    const reader = new PassReader(this.#options)
    const skips = this.#options.onBadRow === 'skip'
    let first: RowProblem | undefined
    let good = 0
    for await (const items of this.#items()) {
      const { rows, bad, goodBefore } = reader.read(items)
      this.#shape ??= reader.shape
      const kept = bad.length === 0 || skips ? rows : rows.slice(0, goodBefore)
      good += kept.length
      if (kept.length > 0) yield kept
      if (bad.length > 0 && !skips) throwAbout(bad)
      for (const problem of bad) onSkipped?.(problem)
      first ??= bad[0]
    }
    if (good > 0) return
    const reason = first === undefined ? '' : `: ${first.origin}: ${first.what}`
    throw new AttuneError('empty-dataset', `the stream has no rows that can be used${reason}`, { where: 'rows' })
  }

  /** @throws AttuneError where this would be another pass over rows that can be gone over once */
  async #requireRows(): Promise<void> {
    this.#passes++
    if (this.#passes === 1 || (await this.#canRepeat())) return
    const message =
      'the rows were gone over once, and cannot be again: give streamDataset files, or a function that gives the rows from the first one on, as () => rows()'
    throw new AttuneError('invalid-dataset', message, { where: 'rows' })
  }

  async #canRepeat(): Promise<boolean> {
    const source = this.#source
    if (typeof source === 'function') return true
    if (!isPaths(source)) return Symbol.iterator in source && (source[Symbol.iterator]() as unknown) !== source
    for (const { path } of await resolveFiles(source, resolveOptions(this.#options))) {
      const found = path === '-' ? undefined : await stat(path).catch(() => undefined)
      if (found?.isFile() !== true) return false
    }
    return true
  }

  #items(): AsyncGenerator<readonly SourceItem[], void, void> {
    const source = this.#source
    if (typeof source === 'function') return itemsOfRows(source())
    if (!isPaths(source)) return itemsOfRows(source)
    // What is odd is told once.
    return itemsOfFiles(source, this.#passes === 1 ? this.#options : { ...this.#options, onNote: undefined })
  }
}

/**
 * Rows to train on that are read as they are needed: files of any size, or rows that a program makes. They are checked as
 * `loadDataset` checks them, but only when they are read.
 * A plain iterator or generator can be gone over once; files, lists and functions as often as there are epochs.
 * @throws AttuneError 'invalid-option'
 */
export function streamDataset(source: StreamSource, options: StreamOptions = {}): RowStream {
  checkChoice('onBadRow', options.onBadRow, ['error', 'skip'])
  const usable = typeof source === 'string' || typeof source === 'function' || isIterable(source)
  if (!usable || (Array.isArray(source) && source.length === 0)) {
    const message = 'streamDataset takes paths, rows, or a function that gives rows'
    throw new AttuneError('invalid-option', message, { where: 'source' })
  }
  return new RowStream(source, options)
}

interface Problem extends RowProblem {
  readonly code: AttuneErrorCode
}

/** Checks rows chunk by chunk: a pass has one shape, but neither its rows nor its problems stay in memory. */
class PassReader extends RowReader {
  #bad: Problem[] = []
  #goodBefore: number | undefined

  read(items: readonly SourceItem[]): {
    readonly rows: readonly StreamedRow[]
    readonly bad: readonly Problem[]
    /** Rows that came before the first bad one. */
    readonly goodBefore: number | undefined
  } {
    for (const item of items) {
      if (item.code === undefined) this.add(item.value, item.origin)
      else this.note(item.code, item.origin, item.what)
    }
    const rows = this.rows.map((row, index) => ({ row, origin: this.origins[index] ?? '' }))
    const result = { rows, bad: this.#bad, goodBefore: this.#goodBefore }
    this.clear()
    this.#bad = []
    this.#goodBefore = undefined
    return result
  }

  override note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#goodBefore ??= this.rows.length
    this.#bad.push({ code, origin, what })
  }
}

async function* itemsOfFiles(
  paths: string | readonly string[],
  options: StreamOptions,
): AsyncGenerator<readonly SourceItem[], void, void> {
  const files = await resolveFiles(paths, resolveOptions(options))
  const numeric = numericFields(options)
  const seen = new ColumnsSeen(options.fields)
  const onColumns = seen.see.bind(seen)
  for (const file of files) {
    let rows = 0
    for await (const items of readSource(file, { ...options, numeric, onColumns })) {
      rows += items.length
      yield items
    }
    if (rows === 0)
      throw new AttuneError('empty-dataset', `no rows in ${file.name ?? file.path}`, { where: file.name ?? file.path })
  }
  for (const { origin, what } of seen.notes) options.onNote?.({ where: origin, message: `${origin} ${what}` })
}

async function* itemsOfRows(rows: Rows): AsyncGenerator<readonly SourceItem[], void, void> {
  let index = 0
  let items: SourceItem[] = []
  try {
    for await (const value of rows) {
      items.push({ origin: `row ${index++}`, value })
      if (items.length < rowsPerChunk) continue
      yield items
      items = []
    }
  } catch (error) {
    if (items.length > 0) yield items
    throw error
  }
  if (items.length > 0) yield items
}

function throwAbout(bad: readonly Problem[]): void {
  const problems = new RowProblems()
  for (const { code, origin, what } of bad) problems.note(code, origin, what)
  problems.throwIfAny()
}

function isPaths(source: Exclude<StreamSource, () => Rows>): source is string | readonly string[] {
  return typeof source === 'string' || (Array.isArray(source) && source.every((path) => typeof path === 'string'))
}

function isIterable(source: unknown): boolean {
  return typeof source === 'object' && source !== null && (Symbol.iterator in source || Symbol.asyncIterator in source)
}
