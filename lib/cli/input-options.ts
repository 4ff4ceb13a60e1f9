/** Which rows a command reads and where results go. */
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { OptionTable } from '../options.js'
import {
  inputFormats,
  rowsOfFile,
  rowsOfStream,
  type InputFields,
  type InputFormat,
  type InputRow,
} from './input-rows.js'
import type { Terminal } from './terminal.js'

export const inputOptions = {
  data: {
    type: z.string().min(1),
    description: 'File of rows: JSON Lines, CSV, TSV, or a text a line; -: standard input',
    flag: 'file',
  },
  format: {
    type: z.enum(inputFormats),
    description: 'Of the rows; absent: as the extension says, of standard input as its first line looks',
  },
  output: {
    type: z.string().min(1),
    description: 'File for the results, JSON Lines; absent: standard output',
    flag: 'out.jsonl',
  },
} satisfies OptionTable

/** The rows: of the file, else of standard input. @throws AttuneError 'invalid-option' where a person sits at the input */
export function rowsAskedFor(
  { data, format }: { readonly data: string | undefined; readonly format: InputFormat | undefined },
  { input = process.stdin }: Terminal,
  missing: string,
): AsyncGenerator<InputRow, void, void> {
  if (data !== undefined && data !== '-') return rowsOfFile(data, { format })
  if (data === undefined && input.isTTY === true) {
    throw new AttuneError('invalid-option', `${missing}, --data, or standard input`, { where: 'data' })
  }
  return rowsOfStream(input, 'stdin', format)
}

/** A text of an object's field. */
export function textField(fields: InputFields, name: string, origin: string): string | AttuneError {
  const value = fields[name]
  if (typeof value === 'string') return value
  const found = Object.keys(fields).join(', ') || 'none'
  const message = `${origin}: expected a text in the field '${name}'; the fields are ${found}`
  return new AttuneError('invalid-input', message, { where: origin })
}
