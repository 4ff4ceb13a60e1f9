import { passesLuhn } from './checksums.js'
import { endsWithOrderCue } from './cues.js'
import { matches, type Finder } from './personal-data.js'

const digits =
  /(?<![\p{L}\p{N}.,_/#-]|[+$€£])\d{4}(?:\d{8,15}|([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|([ -])\d{6}\2\d{4,5})(?![\p{L}\p{N}_]|[-.,/ ]\d)/gu

// Where a network's numbers begin, and how long they are.
const networks: readonly (readonly [begins: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|64[4-9]|65|62|60|81|82)/, [16, 17, 18, 19]],
  [/^(?:30[0-5]|36|38|39)/, [14, 16]],
  [/^35(?:2[89]|[3-8])/, [16]],
  [/^(?:50|5[6-9]|6[37])/, [16, 18, 19]],
]

/** Payment cards: a network's first digits and length, and the check digit. */
export const findCards: Finder = (text) =>
  matches(text, digits, ({ 0: found, index }) => {
    const number = found.replace(/\D/g, '')
    const isKnown = networks.some(([begins, lengths]) => begins.test(number) && lengths.includes(number.length))
    if (!isKnown || !passesLuhn(number) || /^(\d)\1+$/.test(number)) return false
    // A tenth of all numbers pass the check, and orders are numbered with as many digits.
    if (number === found && endsWithOrderCue(text.slice(Math.max(0, index - 40), index))) return false
    return { start: index, end: index + found.length, identity: number }
  })
