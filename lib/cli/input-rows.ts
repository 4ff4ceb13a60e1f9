/** Rows to predict for, one at a time: from arguments, standard input or a file of any size. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { createInterface } from 'node:readline'
import { CsvError, parse } from 'csv-parse'
import { AttuneError } from '../errors.js'

export const inputFormats = ['text', 'jsonl', 'csv', 'tsv'] as const
export type InputFormat = (typeof inputFormats)[number]

export type InputFields = Readonly<Record<string, unknown>>

/** A row: a line of text, or the fields of an object; or why the line is neither. */
export interface InputRow {
  readonly value: string | InputFields | AttuneError
  /** `file:line`. */
  readonly origin: string
}

interface RowsOptions {
  /** Default: as the file's extension says; of standard input 'jsonl' where its first line begins with a brace, else 'text'. */
  readonly format?: InputFormat | undefined
}

export async function* rowsOfFile(path: string, options: RowsOptions = {}): AsyncGenerator<InputRow, void, void> {
  try {
    if ((await stat(path)).isDirectory()) throw new Error('it is a directory')
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const message = isMissing ? `${path} does not exist` : `cannot read ${path}: ${String(cause)}`
    throw new AttuneError(isMissing ? 'file-not-found' : 'invalid-file', message, { where: path, cause })
  }
  const extension = extname(path).slice(1).toLowerCase()
  const known = inputFormats.find((format) => format === extension)
  yield* rowsOfStream(createReadStream(path), basename(path), options.format ?? known)
}

export async function* rowsOfStream(
  stream: NodeJS.ReadableStream,
  name: string,
  format?: InputFormat,
): AsyncGenerator<InputRow, void, void> {
  if (format === 'csv' || format === 'tsv') {
    yield* delimitedRows(stream, name, format === 'csv' ? ',' : '\t')
    return
  }
  let line = 0
  let isJson = format === undefined ? undefined : format === 'jsonl'
  for await (const raw of createInterface({ input: stream, crlfDelay: Infinity })) {
    line++
    const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw
    if (text.trim() === '') continue
    isJson ??= text.trimStart().startsWith('{')
    const origin = `${name}:${line}`
    yield { value: isJson ? objectOf(text, origin) : text, origin }
  }
}

function objectOf(text: string, origin: string): InputFields | AttuneError {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new AttuneError('invalid-json', `${origin}: not valid JSON: ${reason}`, { where: origin, cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as InputFields
  return new AttuneError('invalid-input', `${origin}: expected a JSON object`, { where: origin })
}

async function* delimitedRows(
  stream: NodeJS.ReadableStream,
  name: string,
  delimiter: ',' | '\t',
): AsyncGenerator<InputRow, void, void> {
  const parser = parse({ bom: true, columns: true, delimiter, skip_empty_lines: true, info: true })
  stream.on('error', (error: Error) => parser.destroy(error))
  try {
    for await (const { record, info } of stream.pipe(parser) as AsyncIterable<{
      record: InputFields
      info: { lines: number }
    }>) {
      yield { value: record, origin: `${name}:${info.lines}` }
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const where = `${name}:${String(cause['lines'])}`
    throw new AttuneError('invalid-file', `${where}: ${cause.message}`, { where, cause })
  }
}
