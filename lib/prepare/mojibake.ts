/** Text in UTF-8 that was read as Windows-1252: `Ã©` for é, `â€™` for an apostrophe. */

// What Windows-1252 has in place of the control characters 0x80 to 0x9f; five of them are undefined and stay as they are.
const upper = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ'
const bytes = new Map(Array.from(upper, (character, index) => [character, 0x80 + index]))
const run = new RegExp(`[\u00A0-\u00FF\u0080-\u009F${upper}]{2,}`, 'gu')
const quote = /[«»‘’“”…–—]/u
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export interface Mojibake {
  readonly start: number
  readonly end: number
  /** What was meant. */
  readonly repaired: string
}

export function findMojibake(text: string): Mojibake[] {
  const found: Mojibake[] = []
  for (const { 0: characters, index } of text.matchAll(run)) {
    for (let at = 0; at < characters.length;) {
      const { repaired, length, sequences, isSure } = chainAt(characters, at)
      const start = index + at
      const after = text.slice(Math.max(0, start - 1), start)
      // Other letters come in words, so that a second sequence follows; two letters with accents beside each other may be meant.
      const isOne = sequences > 1 || (isSure && !isQuoteAfterCapital(after, characters.slice(at, at + length)))
      if (isOne) found.push({ start, end: start + length, repaired })
      at += isOne ? length : 1
    }
  }
  return found
}

interface Chain {
  readonly repaired: string
  /** In characters as they stand; 0 where no sequence begins. */
  readonly length: number
  readonly sequences: number
  /** Whether it has a sequence that hardly anybody writes. */
  readonly isSure: boolean
}

/** The sequences of UTF-8 that follow each other from a place on. */
function chainAt(characters: string, at: number): Chain {
  let chain: Chain = { repaired: '', length: 0, sequences: 0, isSure: false }
  for (;;) {
    const from = at + chain.length
    const length = sequenceAt(characters, from)
    const character = length === 0 ? undefined : decoded(characters.slice(from, from + length))
    if (character === undefined) return chain
    chain = {
      repaired: chain.repaired + character,
      length: chain.length + length,
      sequences: chain.sequences + 1,
      isSure: chain.isSure || isSure(byteOf(characters, from), character),
    }
  }
}

/** Signs and letters of Western languages; byte order marks, replacement characters, dashes and the like, emoji. */
function isSure(lead: number, character: string): boolean {
  return lead === 0xc2 || lead === 0xc3 || lead >= 0xf0 || /^[\uFEFF\uFFFD\u2000-\u22FF]$/.test(character)
}

/** A capital at a word's end, and the quote or dash after it: `“MAÇÔ`. */
function isQuoteAfterCapital(before: string, found: string): boolean {
  return found.length === 2 && quote.test(found[1] ?? '') && /\p{Lu}$/u.test(before)
}

function byteOf(characters: string, at: number): number {
  return bytes.get(characters[at] ?? '') ?? characters.charCodeAt(at)
}

/** How many bytes a sequence has by its first one, where that many follow; 0 where none begins here. */
function sequenceAt(characters: string, at: number): number {
  const lead = byteOf(characters, at)
  const length = lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) === 0xe0 ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
  return at + length <= characters.length ? length : 0
}

function decoded(characters: string): string | undefined {
  try {
    return decoder.decode(Uint8Array.from(characters, (_, i) => byteOf(characters, i)))
  } catch {
    return undefined
  }
}
