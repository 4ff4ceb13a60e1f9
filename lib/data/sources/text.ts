import { isUtf8 } from 'node:buffer'

import type { ByteBlocks } from './byte-blocks.js'
import { byteOrderMark } from './byte-order.js'
import type { SourceItem } from './source-item.js'
import { maxRowBytesOf, tooLong, type SourceOptions } from './source-options.js'
import { describeBadUtf8 } from './utf8.js'
import { visitLines } from './visit-lines.js'

/**
 * Plain text as rows `{ text }`: a row a line, a paragraph (lines between blank ones) or a file. Blank lines are no rows.
 * Rows are named `file:line` by their first line, a whole file by its name.
 */
export function readText(
  blocks: ByteBlocks,
  file: string,
  options: SourceOptions = {},
): AsyncGenerator<readonly SourceItem[], void, void> {
  const maxBytes = maxRowBytesOf(options)
  const { textRows = 'line' } = options
  if (textRows === 'file') return wholeFile(blocks, file, maxBytes)
  return textRows === 'line' ? visitLines(blocks, file, maxBytes, rowOfLine) : paragraphs(blocks, file, maxBytes)
}

function rowOfLine(line: string, origin: string): SourceItem | undefined {
  const text = bare(line)
  return text.trim() === '' ? undefined : { origin, value: { text } }
}

async function* paragraphs(
  blocks: ByteBlocks,
  file: string,
  maxBytes: number,
): AsyncGenerator<SourceItem[], void, void> {
  let lines: string[] = []
  let begin = ''
  let length = 0
  const ended = (): SourceItem | undefined => {
    if (lines.length === 0) return undefined
    const origin = begin
    const text = lines.join('\n')
    lines = []
    if (length <= maxBytes) return { origin, value: { text } }
    return { origin, code: 'invalid-dataset', what: `the paragraph is ${tooLong(maxBytes)}` }
  }
  const done: SourceItem[] = []
  const take = (line: string, origin: string): SourceItem | undefined => {
    const text = bare(line)
    if (text.trim() === '') return ended()
    if (lines.length === 0) {
      begin = origin
      length = 0
    }
    length += text.length + 1
    // What is too long is only counted.
    if (length <= maxBytes) lines.push(text)
    else if (lines.length > 1) lines = [lines[0] ?? '']
    return undefined
  }
  for await (const items of visitLines(blocks, file, maxBytes, take)) yield [...items]
  const last = ended()
  if (last !== undefined) done.push(last)
  if (done.length > 0) yield done
}

async function* wholeFile(
  blocks: ByteBlocks,
  file: string,
  maxBytes: number,
): AsyncGenerator<SourceItem[], void, void> {
  const parts: Buffer[] = []
  let length = 0
  for await (const block of blocks) {
    length += block.length
    if (length > maxBytes) {
      yield [{ origin: file, code: 'invalid-dataset', what: `the file is ${tooLong(maxBytes)}` }]
      return
    }
    parts.push(Buffer.from(block))
  }
  const bytes = Buffer.concat(parts, length)
  if (!isUtf8(bytes)) yield [{ origin: file, code: 'invalid-dataset', what: describeBadUtf8(bytes, 0) }]
  else {
    const text = bytes.toString('utf8')
    yield [{ origin: file, value: { text: text.startsWith(byteOrderMark) ? text.slice(1) : text } }]
  }
}

/** A line without its end and without the mark that begins some files. */
function bare(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.startsWith(byteOrderMark) ? text.slice(1) : text
}
