import { isUtf8 } from 'node:buffer'

import { hasUtf16Zeros } from './byte-order.js'
import type { SourceItem } from './source-item.js'
import { describeBadUtf8 } from './utf8.js'

// Rows have a handful of levels. A program that walks a value by calling itself must not run out of stack.
export const mostLevels = 500

export const tooDeep = `nested more than ${mostLevels} levels deep`

/** The row in these bytes, or what is wrong with them. `offset` is where they begin in the file. */
export function jsonItem(bytes: Buffer, origin: string, offset: number, hint = ''): SourceItem {
  if (!isUtf8(bytes)) return { origin, code: 'invalid-dataset', what: describeBadUtf8(bytes, offset) }
  return parsedItem(bytes.toString('utf8'), origin, hint)
}

/** The row in this text, or what is wrong with it. */
export function parsedItem(text: string, origin: string, hint = ''): SourceItem {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const more = hint === '' && hasUtf16Zeros(text) ? ' (the file looks like UTF-16; save it as UTF-8)' : hint
    return { origin, code: 'invalid-json', what: `not valid JSON: ${reason}${more}` }
  }
  // Each level takes two brackets.
  if (text.length >= 2 * mostLevels && isDeeper(value, mostLevels)) {
    return { origin, code: 'invalid-dataset', what: tooDeep }
  }
  return { origin, value }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const entry of value) if (typeof entry === 'object' && isDeeper(entry, levels - 1)) return true
    return false
  }
  for (const entry of Object.values(value)) if (typeof entry === 'object' && isDeeper(entry, levels - 1)) return true
  return false
}
