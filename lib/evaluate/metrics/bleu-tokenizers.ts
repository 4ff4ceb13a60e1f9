/** sacrebleu's tokenizers for BLEU: each puts spaces between what counts as a word. */
import { trim } from './words.js'

export type BleuTokenizer = '13a' | 'none' | 'char' | 'intl' | 'zh'

export const bleuTokenizers: Readonly<Record<BleuTokenizer, (line: string) => string>> = {
  '13a': (line) => splitWestern(` ${unescape(line)} `),
  none: (line) => line,
  char: (line) => Array.from(line).join(' '),
  intl: (line) =>
    line
      // Punctuation that does not stand between two digits, then every symbol.
      .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
      .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
      .replace(/(\p{S})/gu, ' $1 '),
  zh: (line) =>
    splitWestern(Array.from(trim(line), (character) => (isChinese(character) ? ` ${character} ` : character)).join('')),
}

function unescape(line: string): string {
  return line
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
}

// mteval-v13a: ASCII symbols; then periods and commas not between digits; then dashes after a digit.
function splitWestern(line: string): string {
  return line
    .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ')
}

// sacrebleu means the last two as U+20000-2A6D6 and U+2F800-2FA1D, but Python reads '\u20000' as two characters, and so the
// ranges are these. The printed numbers follow what it does.
const chineseRanges = [
  [0x3400, 0x4db5],
  [0x4e00, 0x9fbb],
  [0xf900, 0xfa2d],
  [0xfa30, 0xfa6a],
  [0xfa70, 0xfad9],
  [0xff00, 0xffef],
  [0x2e80, 0x2eff],
  [0x3000, 0x303f],
  [0x31c0, 0x31ef],
  [0x2f00, 0x2fdf],
  [0x2ff0, 0x2fff],
  [0x3100, 0x312f],
  [0x31a0, 0x31bf],
  [0xfe10, 0xfe1f],
  [0xfe30, 0xfe4f],
  [0x2600, 0x27ff],
  [0x3200, 0x33ff],
  [0x2001, 0x2a6d],
  [0x2f81, 0x2fa1],
] as const

function isChinese(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return chineseRanges.some(([first, last]) => code >= first && code <= last)
}
