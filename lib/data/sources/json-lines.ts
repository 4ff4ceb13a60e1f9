import type { ByteBlocks } from './byte-blocks.js'
import { parsedItem } from './json-value.js'
import type { SourceItem } from './source-item.js'
import { maxRowBytesOf, type SourceOptions } from './source-options.js'
import { visitLines } from './visit-lines.js'

/** JSON Lines: one JSON value a line, lines ended by LF or CRLF, blank lines skipped. Rows are named `file:line`. */
export function readJsonLines(
  blocks: ByteBlocks,
  file: string,
  options: SourceOptions = {},
): AsyncGenerator<readonly SourceItem[], void, void> {
  return visitLines(blocks, file, maxRowBytesOf(options), itemOfLine)
}

function itemOfLine(line: string, origin: string): SourceItem | undefined {
  // Rows are objects, so most lines need no more looking at.
  if (line.startsWith('{')) return parsedItem(line, origin)
  // A byte order mark is white space too.
  const text = line.trim()
  if (text === '') return undefined
  const isListBegin = /^\[\s*(\{|$)/.test(text)
  const hint = " (one JSON object a line is expected; one list over the whole file is options.format 'json')"
  return parsedItem(text, origin, isListBegin ? hint : '')
}
