import { isUtf8, type Buffer } from 'node:buffer'

import { CsvError, parse } from 'csv-parse/sync'

import type { RowReader } from './row-reader.js'

export interface DelimitedOptions {
  readonly delimiter: ',' | '\t'
  /** Names of the columns; undefined: the file's first line has them. */
  readonly columns: readonly string[] | undefined
  /** Whether cells may stand in double quotes. */
  readonly quoted: boolean
  /** Columns that are numbers where every cell of the file is one: a label column may hold names or numbers. */
  readonly numeric: readonly string[]
}

interface Line {
  readonly record: readonly string[]
  readonly raw: string
  readonly info: { readonly lines: number }
}

/** Reads comma- or tab-separated rows. What is wrong is noted, by `file:line`. */
export function readDelimited(bytes: Buffer, file: string, reader: RowReader, options: DelimitedOptions): void {
  if (!isUtf8(bytes)) {
    reader.note('invalid-dataset', file, 'the file is not valid UTF-8; save it as UTF-8')
    return
  }
  let lines: Line[]
  try {
    lines = parse(bytes, {
      bom: true,
      delimiter: options.delimiter,
      quote: options.quoted ? '"' : false,
      relax_column_count: true,
      skip_empty_lines: true,
      info: true,
      raw: true,
    }) as unknown as Line[]
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const hint = options.quoted ? '; where quotes in it are plain text, set options.quoted to false' : ''
    reader.note('invalid-dataset', `${file}:${String(cause['lines'])}`, `${cause.message}${hint}`)
    return
  }
  const columns = options.columns ?? lines.shift()?.record ?? []
  const rows = lines.map(({ record }) => cellsOf(columns, record))
  const numeric = options.numeric.filter((name) => rows.every((row) => isEmpty(row[name]) || isNumber(row[name])))
  lines.forEach(({ record, raw, info }, index) => {
    const origin = `${file}:${info.lines - (raw.trim().split('\n').length - 1)}`
    if (record.length !== columns.length) {
      const what = `expected ${columns.length} columns (${columns.join(', ')}), received ${record.length}`
      reader.note('invalid-dataset', origin, what)
      return
    }
    const row: Record<string, string | number> = { ...rows[index] }
    for (const name of numeric) if (!isEmpty(row[name])) row[name] = Number(row[name])
    reader.add(row, origin)
  })
}

function cellsOf(columns: readonly string[], record: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((name, at) => [name, record[at] ?? '']))
}

function isEmpty(cell: string | number | undefined): boolean {
  return cell === undefined || cell === ''
}

function isNumber(cell = ''): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell)
}
