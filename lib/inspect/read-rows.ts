/** The rows that are to be inspected, in chunks, whatever they come from; what cannot be read is listed and not thrown. */
import { Dataset } from '../data/dataset.js'
import { RowReader, type RowOptions } from '../data/row-reader.js'
import { resolveOptions, type LoadDatasetOptions } from '../data/load-dataset.js'
import { readSource } from '../data/sources/read-source.js'
import { resolveFiles } from '../data/sources/resolve-files.js'
import { AttuneError, type AttuneErrorCode } from '../errors.js'

/** Files (paths, patterns, folders), a dataset, or rows of a program. */
export type InspectedData = string | readonly string[] | Dataset | Iterable<object> | AsyncIterable<object>

export interface UnreadableRow {
  readonly code: AttuneErrorCode
  readonly origin: string
  readonly what: string
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
export class ListingReader extends RowReader {
  #unreadable: UnreadableRow[] = []

  override note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#unreadable.push({ code, origin, what })
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

/** @throws AttuneError 'file-not-found', 'invalid-option' */
export async function* readRows(
  data: InspectedData,
  reader: ListingReader,
  options: LoadDatasetOptions,
): AsyncGenerator<RowChunk, void, void> {
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
  // Their cells may be names or numbers, which only the whole column shows.
  const numeric = ['label', 'answer_start'].map((name) => options.fields?.[name] ?? name)
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
      if (seen === 0) reader.note('empty-dataset', name, 'the file has no rows')
    } catch (error) {
      // A file that is not there is a mistake in the command; one that is broken is what inspecting is for.
      if (!(error instanceof AttuneError) || !brokenFile.has(error.code)) throw error
      reader.note(error.code, error.where ?? name, error.message)
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

function isPaths(data: InspectedData): data is string | readonly string[] {
  return typeof data === 'string' || (Array.isArray(data) && data.every((item) => typeof item === 'string'))
}

/** The chunks without their rows, and all rows at once, to part them as training would. */
export async function readWhole(
  data: InspectedData,
  reader: ListingReader,
  options: LoadDatasetOptions,
): Promise<{ readonly rows: Dataset; readonly chunks: readonly RowChunk[] }> {
  const chunks: RowChunk[] = []
  for await (const chunk of readRows(data, reader, options)) chunks.push(chunk)
  const [first, ...others] = chunks.map(({ rows }) => rows)
  return { rows: first === undefined ? Dataset.fromReader(reader) : first.concat(...others), chunks }
}

export function rowOptions({
  shape,
  fields,
  sourceLanguage,
  targetLanguage,
  roles,
  map,
}: LoadDatasetOptions): RowOptions {
  return { shape, fields, sourceLanguage, targetLanguage, roles, map }
}
