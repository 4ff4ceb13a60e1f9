import { findMojibake } from './mojibake.js'

export const oddCharacterKinds = [
  'control',
  'replacement',
  'mojibake',
  'zero-width',
  'bidirectional',
  'byte-order-mark',
  'lone-surrogate',
  'unusual-space',
  'private-use',
  'noncharacter',
] as const

export type OddCharacterKind = (typeof oddCharacterKinds)[number]

/** A stretch of odd characters of one kind, in UTF-16 units. */
export interface OddCharacter {
  readonly kind: OddCharacterKind
  readonly start: number
  readonly end: number
  /** As code points (`U+200B`); of mojibake, what stands there and what was meant (`Ã© for é`). */
  readonly what: string
}

export interface OddCharacters {
  /** By kind, how many places have them; kinds that do not occur are left out. */
  readonly counts: Readonly<Partial<Record<OddCharacterKind, number>>>
  /** In the text's order. */
  readonly findings: readonly OddCharacter[]
}

// Most texts in English have nothing else, so that nothing has to be looked for.
const beyondPlain = /[^\t\n\r -~]/

const kinds: readonly (readonly [kind: OddCharacterKind, pattern: RegExp])[] = [
  // eslint-disable-next-line no-control-regex -- it looks for them
  ['control', /[\u0000-\u0008\u000E-\u001F\u007F-\u0084\u0086-\u009F]+/gu],
  ['replacement', /[\uFFFC\uFFFD]+/gu],
  [
    'zero-width',
    // eslint-disable-next-line no-misleading-character-class -- each by itself
    /[\u00AD\u034F\u115F\u1160\u17B4\u17B5\u180E\u200B-\u200D\u2060-\u2064\u206A-\u206F\u3164\uFFA0\uFFF9-\uFFFB]+/gu,
  ],
  ['bidirectional', /[\u202A-\u202E\u2066-\u2069]+/gu],
  ['byte-order-mark', /\uFEFF+/gu],
  ['lone-surrogate', /\p{Surrogate}+/gu],
  // eslint-disable-next-line no-control-regex -- U+000B and U+000C are spaces that text no longer uses
  ['unusual-space', /[\u000B\u000C\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+/gu],
  ['private-use', /\p{Private_Use}+/gu],
  ['noncharacter', /\p{Noncharacter_Code_Point}+/gu],
]

/** Characters that are seldom meant: left over from another program, from a wrong encoding or from a page's layout. */
export function oddCharacters(text: string): OddCharacters {
  if (!beyondPlain.test(text)) return { counts: {}, findings: [] }
  const findings: OddCharacter[] = findMojibake(text).map(({ start, end, repaired }) => ({
    kind: 'mojibake',
    start,
    end,
    what: `${text.slice(start, end)} for ${repaired}`,
  }))
  const taken = findings.map(({ start, end }) => [start, end] as const)
  for (const [kind, pattern] of kinds) {
    for (const { 0: found, index } of text.matchAll(pattern)) {
      const end = index + found.length
      if (taken.some(([from, to]) => index < to && end > from) || isMeant(kind, text, index, end)) continue
      findings.push({ kind, start: index, end, what: codePoints(found) })
    }
  }
  findings.sort((a, b) => a.start - b.start)
  const counts: Partial<Record<OddCharacterKind, number>> = {}
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1
  return { counts, findings }
}

const joined = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u{E0020}-\u{E007F}]$/u
// Joiners shape letters in these scripts.
const joining =
  /[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}]$/u
const eastAsian = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\u3000-\u303F\uFF00-\uFFEF]/u

/** Joiners of emoji and of scripts that need them, the wide space of East Asian text, the narrow ones of French and of numbers. */
function isMeant(kind: OddCharacterKind, text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 2), start)
  const after = text.slice(end, end + 2)
  const found = text.slice(start, end)
  if (kind === 'zero-width') return /^[\u200C\u200D]$/.test(found) && (joined.test(before) || joining.test(before))
  if (kind !== 'unusual-space') return false
  if (/^\u3000+$/.test(found)) return eastAsian.test(before) || eastAsian.test(after) || start === 0
  if (!/^[\u00A0\u202F\u2009]$/.test(found)) return false
  return /[«\p{N}]$/u.test(before) || /^[;:!?»%€$£\p{N}–—]/u.test(after)
}

function codePoints(text: string): string {
  const points = Array.from(
    text,
    (character) => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
  return points.length <= 4 ? points.join(' ') : `${points.slice(0, 4).join(' ')} and ${points.length - 4} more`
}
