import { createHash } from 'node:crypto'
import { settleOptions } from '../options.js'
import { normalizeOptions, normalizeText, type NormalizeOptions } from './normalize-text.js'

/**
 * Groups of texts that are the same, by their indices: each group in order and of two or more, the groups in the order of their
 * first texts. Texts are the same where they are after normalization: Unicode NFC and, unless asked otherwise, without regard to case
 * and white space.
 */
export function findDuplicates(texts: Iterable<string>, options: NormalizeOptions = {}): number[][] {
  const settled = settleOptions(normalizeOptions, options)
  const first = new Map<string, number>()
  const groups = new Map<number, number[]>()
  let index = 0
  for (const text of texts) {
    const key = textKey(text, settled)
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, index)
    else {
      const group = groups.get(earlier)
      if (group === undefined) groups.set(earlier, [earlier, index])
      else group.push(index)
    }
    index++
  }
  return [...groups.values()].sort(([a = 0], [b = 0]) => a - b)
}

// A digest takes less memory than a text of more than its own length; two texts of one SHA-256 are not known to exist.
const digestLength = 43

/** Equal for the same texts, different for others, and short. */
export function textKey(text: string, options: NormalizeOptions = {}): string {
  const normal = normalizeText(text, options)
  if (normal.length <= digestLength) return normal
  return `#${createHash('sha256').update(normal).digest('base64')}`
}
