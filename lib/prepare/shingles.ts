/** Runs of words, by which texts are compared: two texts are as similar as the shares of runs that they have in common. */

// Scripts that put nothing between words: each character counts as one.
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`
const wordPattern = new RegExp(String.raw`[${unspaced}]\p{M}*|(?:(?![${unspaced}])[\p{L}\p{M}\p{N}])+`, 'gu')
const plainWord = /[a-z0-9]+/g

/** The words of a text in small letters, without what stands between them; a text without any is one word itself. */
export function shingleWords(text: string): string[] {
  const normal = text.normalize('NFC').toLowerCase()
  // Nearly all English text; its pattern is several times as fast.
  // eslint-disable-next-line no-control-regex -- the range is ASCII
  const words = normal.match(/^[\x00-\x7f]*$/.test(normal) ? plainWord : wordPattern)
  return words ?? [normal.replace(/\s+/g, ' ').trim()]
}

/** The different runs of `size` words in a text; of a shorter text, the whole. */
export function shingles(text: string, size: number): Set<string> {
  const words = shingleWords(text)
  const runs = new Set<string>()
  if (words.length <= size) return runs.add(words.join(' '))
  for (let at = 0; at + size <= words.length; at++) runs.add(words.slice(at, at + size).join(' '))
  return runs
}

/** The share of all runs that two texts have in common, from 0 to 1. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a]
  let both = 0
  for (const run of small) if (large.has(run)) both++
  const either = a.size + b.size - both
  return either === 0 ? 1 : both / either
}
