/** The rows that are to be inspected, in chunks, whatever they come from; what cannot be read is listed and not thrown. */
import type { ConfigSource } from '../data/config-sources.js'
import { Dataset } from '../data/dataset.js'
import { numericFields, resolveOptions, type LoadDatasetOptions } from '../data/load-dataset.js'
import { RowReader, type RowOptions } from '../data/row-reader.js'
import type { ShapeName } from '../data/rows.js'
import { readSource } from '../data/sources/read-source.js'
import { resolveFiles } from '../data/sources/resolve-files.js'
import { AttuneError, type AttuneErrorCode } from '../errors.js'

/** Files (paths, patterns, folders), a dataset, or rows of a program. */
export type InspectedRows = string | readonly string[] | Dataset | Iterable<object> | AsyncIterable<object>

/** Rows, and how they are read. */
export interface InspectedSource {
  readonly rows: InspectedRows | ConfigSource['rows']
  readonly options: LoadDatasetOptions
}

export interface UnreadableRow {
  readonly code: AttuneErrorCode
  readonly origin: string
  readonly what: string
  /** 'skipped': training leaves it out, as `onBadRow: 'skip'` asks; 'file': nothing after it can be read. */
  readonly kind: 'row' | 'skipped' | 'file'
}

export interface RowChunk {
  /** '' where rows are of no file. */
  readonly file: string
  /** Those that can be used. */
  readonly rows: Dataset
  readonly unreadable: readonly UnreadableRow[]
}

const rowsPerChunk = 256

/** A reader that lists what is wrong, and gives its rows away. */
class ListingReader extends RowReader {
  readonly #skips: boolean
  #unreadable: UnreadableRow[] = []

  constructor(options: LoadDatasetOptions) {
    super(rowOptions(options))
    this.#skips = options.onBadRow === 'skip'
  }

  /** A bad row. */
  override note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#unreadable.push({ code, origin, what, kind: this.#skips ? 'skipped' : 'row' })
  }

  /** What training refuses whatever the options say: a file that breaks off. */
  refuse(code: AttuneErrorCode, origin: string, what: string): void {
    this.#unreadable.push({ code, origin, what, kind: 'file' })
  }

  take(file: string): RowChunk {
    const chunk = { file, rows: Dataset.fromReader(this).slice(), unreadable: this.#unreadable }
    this.#unreadable = []
    this.rows.length = 0
    this.origins.length = 0
    this.unread.length = 0
    return chunk
  }
}

/**
 * The rows of all sources, one after the other, as one dataset would have them: all of the first one's shape.
 * @throws AttuneError 'file-not-found', 'invalid-option'
 */
export async function* readSources(sources: readonly InspectedSource[]): AsyncGenerator<RowChunk, void, void> {
  let shape: ShapeName | undefined
  for (const source of sources) {
    for await (const chunk of readRows(source)) {
      shape ??= chunk.rows.shape
      yield chunk.rows.length === 0 || chunk.rows.shape === shape ? chunk : refused(chunk, shape)
    }
  }
}

/** Rows that `Dataset.concat` would refuse. */
function refused({ file, rows, unreadable }: RowChunk, shape: ShapeName | undefined): RowChunk {
  const what = `rows of shape '${rows.shape ?? ''}' cannot follow rows of shape '${shape ?? ''}'`
  const others = rows.origins.map((origin) => ({
    code: 'invalid-dataset' as const,
    origin,
    what,
    kind: 'row' as const,
  }))
  return { file, rows: rows.slice(0, 0), unreadable: [...unreadable, ...others] }
}

async function* readRows({ rows: source, options }: InspectedSource): AsyncGenerator<RowChunk, void, void> {
  const reader = new ListingReader(options)
  const data = typeof source === 'function' ? source() : source
  if (data instanceof Dataset) {
    for (let start = 0; start < data.length; start += rowsPerChunk) {
      yield { file: '', rows: data.slice(start, start + rowsPerChunk), unreadable: [] }
    }
  } else if (isPaths(data)) yield* rowsOfFiles(data, reader, options)
  else {
    let index = 0
    for await (const row of data) {
      reader.add(row, `row ${index++}`)
      if (index % rowsPerChunk === 0) yield reader.take('')
    }
    yield reader.take('')
  }
}

async function* rowsOfFiles(
  paths: string | readonly string[],
  reader: ListingReader,
  options: LoadDatasetOptions,
): AsyncGenerator<RowChunk, void, void> {
  const numeric = numericFields(options)
  for (const file of await resolveFiles(paths, resolveOptions(options))) {
    const { name = file.path } = file
    let [seen, waiting] = [0, 0]
    try {
      for await (const items of readSource(file, { ...options, numeric })) {
        for (const item of items) {
          if (item.code === undefined) reader.add(item.value, item.origin)
          else reader.note(item.code, item.origin, item.what)
        }
        seen += items.length
        waiting += items.length
        if (waiting < rowsPerChunk) continue
        yield reader.take(name)
        waiting = 0
      }
      if (seen === 0) reader.refuse('empty-dataset', name, 'the file has no rows')
    } catch (error) {
      // A file that is not there is a mistake in the command; one that is broken is what inspecting is for.
      if (!(error instanceof AttuneError) || !brokenFile.has(error.code)) throw error
      reader.refuse(error.code, error.where ?? name, error.message)
    }
    yield reader.take(name)
  }
}

const brokenFile: ReadonlySet<AttuneErrorCode> = new Set([
  'invalid-file',
  'invalid-json',
  'invalid-dataset',
  'empty-dataset',
])

function isPaths(data: InspectedRows): data is string | readonly string[] {
  return typeof data === 'string' || (Array.isArray(data) && data.every((item) => typeof item === 'string'))
}

/** All rows at once, to part them as training would, and what the chunks they came in say beside. */
export async function readWhole(
  sources: readonly InspectedSource[],
): Promise<{ readonly rows: Dataset | undefined; readonly chunks: readonly RowChunk[] }> {
  const chunks: RowChunk[] = []
  for await (const chunk of readSources(sources)) chunks.push(chunk)
  const filled = chunks.map(({ rows }) => rows).filter(({ length }) => length > 0)
  const [first, ...others] = filled
  return { rows: first?.concat(...others), chunks }
}

function rowOptions({ shape, fields, sourceLanguage, targetLanguage, roles, map }: LoadDatasetOptions): RowOptions {
  return { shape, fields, sourceLanguage, targetLanguage, roles, map }
}
