import { type ByteBlocks, peeked } from './byte-blocks.js'
import { readJsonLines } from './json-lines.js'
import { JsonScanner } from './json-scanner.js'
import type { SourceItem } from './source-item.js'
import { maxRowBytesOf, type SourceOptions } from './source-options.js'

// Enough to see how a file begins.
const headBytes = 64 * 1024

/**
 * A JSON file: a list of rows (named `file[index]`), a list somewhere inside (`at`), an object with a row a name
 * (`keyField`), or objects one after the other, on a line each or over several (named `file:line`). It is never held as a whole.
 * @throws AttuneError 'invalid-json' where what is around the rows is broken, or the file ends within
 */
export async function* readJson(
  source: ByteBlocks,
  file: string,
  options: SourceOptions = {},
): AsyncGenerator<readonly SourceItem[], void, void> {
  const { head, blocks } = await peeked(source, headBytes)
  const { at, keyField } = options
  const asked = at !== undefined || keyField !== undefined
  const rows = asked ? 'list' : rowsOf(head)
  if (rows === 'lines') {
    yield* readJsonLines(blocks, file, options)
    return
  }
  const path = at === undefined || at === '' ? [] : at.split('.')
  const scanner = new JsonScanner(file, { path, keyField, rows, maxBytes: maxRowBytesOf(options) })
  for await (const block of blocks) {
    const items = scanner.push(block)
    if (items.length > 0) yield items
  }
  scanner.end()
}

/** A list, objects that reach over lines, or one on each line. */
function rowsOf(head: Buffer): 'list' | 'values' | 'lines' {
  const text = head.toString('latin1').replace(/^(\xef\xbb\xbf)?\s*/, '')
  if (text.startsWith('[')) return 'list'
  const end = text.indexOf('\n')
  if (!text.startsWith('{') || end < 0) return 'lines'
  try {
    JSON.parse(text.slice(0, end))
    return 'lines'
  } catch {
    return 'values'
  }
}
