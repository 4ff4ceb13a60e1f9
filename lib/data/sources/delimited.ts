import { isUtf8 } from 'node:buffer'

import { CsvError, parse, type Parser } from 'csv-parse'

import { AttuneError } from '../../errors.js'
import type { ByteBlocks } from './byte-blocks.js'
import { lineRuns, type LineRun } from './line-runs.js'
import type { SourceItem } from './source-item.js'
import { maxRowBytesOf, tooLong, type SourceOptions } from './source-options.js'
import { describeBadUtf8 } from './utf8.js'

interface RecordInfo {
  readonly empty_lines: number
}

/**
 * Comma- or tab-separated rows, named `file:line` by their first line. All cells are texts.
 * @throws AttuneError 'invalid-dataset' where the header names a column twice, quotes are wrong or the text is not UTF-8
 */
export async function* readDelimited(
  blocks: ByteBlocks,
  file: string,
  options: SourceOptions & { readonly format: 'csv' | 'tsv' },
): AsyncGenerator<readonly SourceItem[], void, void> {
  const maxBytes = maxRowBytesOf(options)
  const records = new RecordReader(file, options)
  const parser = parse({
    bom: true,
    delimiter: options.delimiter ?? (options.format === 'csv' ? ',' : '\t'),
    quote: options.quoted === false ? false : '"',
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxBytes,
    // What it gives back would go through a stream, a record at a time.
    on_record: (record: string[], info: RecordInfo) => {
      records.add(record, info.empty_lines)
      return null
    },
  })
  // Every call that fails says so itself.
  parser.on('error', () => undefined)
  try {
    for await (const run of lineRuns(blocks, maxBytes)) {
      await written(parser, checked(run, file, maxBytes))
      const items = records.take()
      if (items.length > 0) yield items
    }
    await ended(parser)
    const items = records.take()
    if (items.length > 0) yield items
  } catch (cause) {
    throw cause instanceof CsvError ? broken(cause, file, options, maxBytes) : cause
  } finally {
    parser.destroy()
  }
}

/** Makes rows of records, the first of which may name the columns. */
class RecordReader {
  readonly #file: string
  readonly #onColumns: SourceOptions['onColumns']
  #columns: readonly string[] | undefined
  #items: SourceItem[] = []
  /** Lines that the records so far took, without blank lines. */
  #lines = 0

  constructor(file: string, { columns, onColumns }: SourceOptions) {
    this.#file = file
    this.#columns = columns
    this.#onColumns = onColumns
    if (columns !== undefined) onColumns?.(columns, file)
  }

  take(): readonly SourceItem[] {
    const items = this.#items
    this.#items = []
    return items
  }

  add(record: readonly string[], emptyLines: number): void {
    const origin = `${this.#file}:${this.#lines + emptyLines + 1}`
    this.#lines++
    for (const cell of record) if (cell.includes('\n') || cell.includes('\r')) this.#lines += countLines(cell)
    const columns = this.#columns
    if (columns === undefined) {
      this.#columns = columnsOf(record, origin)
      this.#onColumns?.(this.#columns, this.#file)
    } else this.#items.push(this.#row(columns, record, origin))
  }

  #row(columns: readonly string[], record: readonly string[], origin: string): SourceItem {
    if (record.length !== columns.length) {
      const what = `expected ${columns.length} columns (${columns.join(', ')}), received ${record.length}`
      return { origin, code: 'invalid-dataset', what }
    }
    const value: Record<string, string> = {}
    for (let at = 0; at < columns.length; at++) value[columns[at] ?? ''] = record[at] ?? ''
    return { origin, value }
  }
}

/** The names in the header; a column without one, as of row numbers, is called by its place. */
function columnsOf(record: readonly string[], origin: string): readonly string[] {
  const columns = record.map((name, at) => (name.trim() === '' ? `column ${at + 1}` : name.trim()))
  columns.forEach((name, at) => {
    const first = columns.indexOf(name)
    if (first === at) return
    const what = `${origin}: columns ${first + 1} and ${at + 1} are both named '${name}'; rename one of them`
    throw new AttuneError('invalid-dataset', what, { where: origin })
  })
  return columns
}

function countLines(cell: string): number {
  return cell.split(/\r\n|\n|\r/).length - 1
}

function checked(run: LineRun | { readonly bytes?: undefined; readonly line: number }, file: string, maxBytes: number) {
  if (run.bytes === undefined) {
    const where = `${file}:${run.line}`
    throw new AttuneError('invalid-dataset', `${where}: the line is ${tooLong(maxBytes)}`, { where })
  }
  const { bytes, offset } = run
  if (isUtf8(bytes)) return bytes
  let line = run.line
  for (let start = 0; ; line++) {
    const found = bytes.indexOf(0x0a, start)
    const end = found < 0 ? bytes.length : found
    const text = bytes.subarray(start, end)
    if (!isUtf8(text)) {
      const where = `${file}:${line}`
      const what = `${where}: the line is ${describeBadUtf8(text, offset + start)}`
      throw new AttuneError('invalid-dataset', what, { where })
    }
    start = end + 1
  }
}

/** Parses the bytes: when it is done so are the records that end in them. */
function written(parser: Parser, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
}

function ended(parser: Parser): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.once('error', reject)
    parser.end(resolve)
  })
}

function broken(error: CsvError, file: string, { quoted }: SourceOptions, maxBytes: number): AttuneError {
  const where = `${file}:${String(error['lines'])}`
  const isLong = error.code === 'CSV_MAX_RECORD_SIZE'
  // From here on nobody knows which quotes open a cell and which close one.
  const hint =
    quoted === false
      ? ''
      : '; mend the quote, as the rows from here on cannot be told apart, nor this one skipped; where quotes in it are plain text, set options.quoted to false'
  const what = isLong ? `the row is ${tooLong(maxBytes)}; is a quote not closed?` : `${error.message}${hint}`
  return new AttuneError('invalid-dataset', `${where}: ${what}`, { where, cause: error })
}
