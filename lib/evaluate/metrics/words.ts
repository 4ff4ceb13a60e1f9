/** Words as Python's `str.split()` cuts them, which is what the reference implementations count. */
import { AttuneError } from '../../errors.js'

// Unlike JavaScript's \s: with the separators U+001C-1F and U+0085, without U+FEFF.
const space = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const spaces = new RegExp(`${space}+`, 'u')
const spacesAtEnd = new RegExp(`${space}+$`, 'u')
const spacesAtStart = new RegExp(`^${space}+`, 'u')

export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '')
}

export function trimEnd(text: string): string {
  return text.replace(spacesAtEnd, '')
}

export function trim(text: string): string {
  return trimEnd(text).replace(spacesAtStart, '')
}

/** How often each run of `order` words occurs, as the words with spaces between. */
export function countNgrams(words: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let start = 0; start + order <= words.length; start++) {
    const ngram = order === 1 ? (words[start] ?? '') : words.slice(start, start + order).join(' ')
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  return counts
}

/** One text, or several that are as good. */
export type References = string | readonly string[]

/** @throws AttuneError 'invalid-dataset' where there is none */
export function requireReferences(references: References, metric: string): readonly string[] {
  const list = typeof references === 'string' ? [references] : references
  if (list.length > 0) return list
  throw new AttuneError('invalid-dataset', `${metric} needs at least one reference for each row, received none`)
}
