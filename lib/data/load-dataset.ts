import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'

import { AttuneError } from '../errors.js'
import { Dataset } from './dataset.js'
import { readDelimited } from './delimited.js'
import { readJsonLines, readJsonList } from './jsonl.js'
import { RowReader, type RowOptions } from './row-reader.js'

export type DatasetFormat = 'jsonl' | 'json' | 'csv' | 'tsv'

export interface LoadDatasetOptions extends RowOptions {
  /** How the files are written: 'json' is one list of rows. Default: as their extension says, else 'jsonl'. */
  readonly format?: DatasetFormat | undefined
  /** Names of the columns of CSV and TSV files without a header line. Default: the first line has them. */
  readonly columns?: readonly string[] | undefined
  /** Whether cells of CSV and TSV files may stand in double quotes. Default: true. */
  readonly quoted?: boolean | undefined
}

const formats: readonly string[] = ['jsonl', 'json', 'csv', 'tsv'] satisfies DatasetFormat[]

/**
 * Reads a dataset from one or several files, in the order given: JSON Lines, a JSON list, CSV or TSV. The fields of a row say
 * what it is (see `DatasetRow`): all rows have the same. Other fields are ignored.
 * @throws AttuneError 'file-not-found', 'empty-dataset' (a file without rows), 'invalid-json', 'invalid-dataset'
 * (missing or wrong fields, mixed shapes, no UTF-8), each naming `file:line`, up to ten lines in one error
 */
export async function loadDataset(
  path: string | readonly string[],
  options: LoadDatasetOptions = {},
): Promise<Dataset> {
  const files = typeof path === 'string' ? [path] : path
  if (files.length === 0) throw new AttuneError('empty-dataset', 'there are no files to read', { where: 'path' })
  const reader = new RowReader(options)
  const empty: string[] = []
  for (const file of files) {
    const before = reader.seen
    readRows(await readBytes(file), file, reader, options)
    if (reader.seen === before) empty.push(file)
  }
  reader.throwIfBad()
  if (empty.length > 0) {
    throw new AttuneError('empty-dataset', `no rows in ${empty.join(', ')}`, { where: empty[0] ?? '' })
  }
  return Dataset.fromReader(reader)
}

function readRows(bytes: Buffer, file: string, reader: RowReader, options: LoadDatasetOptions): void {
  const format = formatOf(file, options)
  if (format === 'jsonl') readJsonLines(bytes, file, reader)
  else if (format === 'json') readJsonList(bytes, file, reader)
  else {
    readDelimited(bytes, file, reader, {
      delimiter: format === 'csv' ? ',' : '\t',
      columns: options.columns,
      quoted: options.quoted ?? true,
      numeric: ['label', 'answer_start'].map((name) => options.fields?.[name] ?? name),
    })
  }
}

function formatOf(file: string, options: LoadDatasetOptions): DatasetFormat {
  const wanted = options.format ?? extname(file).slice(1).toLowerCase()
  if (formats.includes(wanted)) return wanted as DatasetFormat
  if (options.format === undefined) return 'jsonl'
  const list = formats.map((name) => `'${name}'`).join(', ')
  throw new AttuneError('invalid-option', `options.format should be one of ${list}, received '${wanted}'`, {
    where: 'options.format',
  })
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT') {
      throw new AttuneError('file-not-found', `dataset ${file} does not exist`, { where: file, cause })
    }
    const reason = code === 'EISDIR' ? 'it is a directory; name the files in it' : String(cause)
    throw new AttuneError('invalid-file', `cannot read dataset ${file}: ${reason}`, { where: file, cause })
  }
}
