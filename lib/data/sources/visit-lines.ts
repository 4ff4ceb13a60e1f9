import { isAscii, isUtf8 } from 'node:buffer'

import type { ByteBlocks } from './byte-blocks.js'
import { lineRuns, type LineRun } from './line-runs.js'
import type { SourceItem } from './source-item.js'
import { tooLong } from './source-options.js'
import { describeBadUtf8 } from './utf8.js'

const newline = 0x0a

/** What a line is; undefined: nothing, as a blank one. The text has no newline, but may end with a carriage return. */
export type TakeLine = (text: string, origin: string) => SourceItem | undefined

/** What the lines of a file are, named `file:line`. Lines too long or not UTF-8 are problems. */
export async function* visitLines(
  blocks: ByteBlocks,
  file: string,
  maxBytes: number,
  take: TakeLine,
): AsyncGenerator<readonly SourceItem[], void, void> {
  for await (const run of lineRuns(blocks, maxBytes)) {
    if (run.bytes === undefined) {
      yield [{ origin: `${file}:${run.line}`, code: 'invalid-dataset', what: `the line is ${tooLong(maxBytes)}` }]
      continue
    }
    const items = itemsOfRun(run, file, maxBytes, take)
    if (items.length > 0) yield items
  }
}

function itemsOfRun({ bytes, line: first, offset }: LineRun, file: string, maxBytes: number, take: TakeLine) {
  const items: SourceItem[] = []
  // One look at all the lines spares a look at each, and plain ASCII is decoded fastest.
  const encoding = isAscii(bytes) ? 'latin1' : 'utf8'
  const isGood = encoding === 'latin1' || isUtf8(bytes)
  let line = first
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(newline, start)
    const end = found < 0 ? bytes.length : found
    const origin = `${file}:${line}`
    if (end - start > maxBytes) {
      items.push({ origin, code: 'invalid-dataset', what: `the line is ${tooLong(maxBytes)}` })
    } else if (isGood || isUtf8(bytes.subarray(start, end))) {
      const item = take(bytes.toString(encoding, start, end), origin)
      if (item !== undefined) items.push(item)
    } else {
      const what = `the line is ${describeBadUtf8(bytes.subarray(start, end), offset + start)}`
      items.push({ origin, code: 'invalid-dataset', what })
    }
    start = end + 1
  }
  return items
}
