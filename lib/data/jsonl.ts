import { isUtf8, type Buffer } from 'node:buffer'

import type { RowReader } from './row-reader.js'

const newline = 0x0a

/**
 * Reads JSON Lines: one JSON object a line, UTF-8 with or without a byte order mark, lines ended by LF or CRLF, blank
 * lines skipped. What is wrong is noted in the reader, by `file:line`.
 */
export function readJsonLines(bytes: Buffer, file: string, reader: RowReader): void {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    reader.note('invalid-dataset', `${file}:1`, 'the file is UTF-16; save it as UTF-8')
    return
  }
  const allUtf8 = isUtf8(bytes)
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  let start = hasMark ? 3 : 0
  for (let line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(newline, start)
    const end = found < 0 ? bytes.length : found
    readLine(bytes.subarray(start, end), `${file}:${line}`, allUtf8, reader)
    start = end + 1
  }
}

function readLine(bytes: Buffer, origin: string, knownUtf8: boolean, reader: RowReader): void {
  if (!knownUtf8 && !isUtf8(bytes)) {
    reader.note('invalid-dataset', origin, 'the line is not valid UTF-8; save the file as UTF-8')
    return
  }
  const text = bytes.toString('utf8').trim()
  if (text === '') return
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const hint = /^\[\s*(\{|$)/.test(text)
      ? ' (one JSON object a line is expected, not one list over the whole file)'
      : ''
    reader.note('invalid-json', origin, `not valid JSON: ${reason}${hint}`)
    return
  }
  reader.add(value, origin)
}

/** Reads a file that is one JSON list of rows, named `file[index]`; one with an object a line is read as that. */
export function readJsonList(bytes: Buffer, file: string, reader: RowReader): void {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch {
    // Either lines, or broken JSON: the reader of lines says where.
    readJsonLines(bytes, file, reader)
    return
  }
  if (!Array.isArray(value)) {
    reader.add(value, `${file}:1`)
    return
  }
  value.forEach((row, index) => reader.add(row, `${file}[${index}]`))
}
