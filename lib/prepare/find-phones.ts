import type { CountryCode } from 'libphonenumber-js/max'
import { endsWithOrderCue, endsWithPhoneCue } from './cues.js'
import type { Finder, Span } from './personal-data.js'
import { phoneLibrary } from './phone-library.js'

// Digits with the signs that phone numbers are grouped by. What a run means is decided group by group.
const run = /[+(]{0,2}\d[\d \u00A0\u202F()./‐‑–-]*\d/gu
const separator = /^(?:\) ?|\)[-./]|[ \u00A0\u202F]?\(|[-. \u00A0\u202F‐‑–]| [-–] | ?\/ ?|\) - )$/
const northAmerican =
  /^(?:\+?1[-. ]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])\d{3}[-.]\d{4}$|^(?:\+?1[-. ]?)?\([2-9]\d{2}\) ?\d{3} \d{4}$/
const extension = /^,?\s{0,2}(?:ext\.?|extension|durchwahl|x)\s?\d{1,6}(?![\p{L}\p{N}])/iu
// More groups than this beside a number mean a table or a list of numbers.
const mostGroupsBeside = 2

interface Group {
  readonly start: number
  readonly end: number
}

/**
 * Phone numbers: with a plus or 00 and a country's code; in the national form of one of the regions where they begin with the
 * trunk 0 or are written as in North America; anything of a phone's length after a word that says so (`Tel.`, `call`).
 */
export function phoneFinder(regions: readonly string[]): Finder {
  const countries = regions as readonly CountryCode[]
  return (text) => {
    const spans: Span[] = []
    for (const { 0: found, index } of text.matchAll(run)) {
      if (found.replace(/\D/g, '').length < 7) continue
      for (const groups of groupsOf(text, found, index)) spans.push(...phonesIn(text, groups, countries))
    }
    return spans
  }
}

/** Groups of digits that single separators hold together. */
function groupsOf(text: string, found: string, index: number): Group[][] {
  const lists: Group[][] = []
  let last: Group[] | undefined
  for (const match of found.matchAll(/\d+/g)) {
    const group = { start: index + match.index, end: index + match.index + match[0].length }
    const previous = last?.at(-1)
    if (last !== undefined && previous !== undefined && separator.test(text.slice(previous.end, group.start)))
      last.push(group)
    else lists.push((last = [group]))
  }
  return lists
}

function phonesIn(text: string, groups: readonly Group[], countries: readonly CountryCode[]): Span[] {
  const spans: Span[] = []
  let from = 0
  while (from < groups.length) {
    const found = phoneFrom(text, groups, from, countries)
    if (found === undefined) from++
    else {
      spans.push(found.span)
      from = found.next
    }
  }
  return spans
}

function phoneFrom(
  text: string,
  groups: readonly Group[],
  from: number,
  countries: readonly CountryCode[],
): { readonly span: Span; readonly next: number } | undefined {
  const first = groups[from]
  if (first === undefined) return undefined
  const sign = /[+(]{0,2}$/.exec(text.slice(Math.max(0, first.start - 2), first.start))?.[0] ?? ''
  const start = first.start - sign.length
  for (let to = Math.min(groups.length, from + 8); to > from; to--) {
    const last = groups[to - 1]
    if (last === undefined) continue
    const beside = from + groups.length - to
    const identity = phoneOf({ text, start, end: last.end, beside }, countries)
    if (identity === undefined) continue
    const more = extension.exec(text.slice(last.end, last.end + 20))?.[0] ?? ''
    return { span: { start, end: last.end + more.length, identity: identity + more.replace(/\D/g, '') }, next: to }
  }
  return undefined
}

interface Candidate {
  readonly text: string
  readonly start: number
  readonly end: number
  /** Groups of digits that stand right beside it. */
  readonly beside: number
}

/** The number's digits where it is a phone's. */
function phoneOf({ text, start, end, beside }: Candidate, countries: readonly CountryCode[]): string | undefined {
  const written = text.slice(start, end)
  const digits = written.replace(/\D/g, '')
  if (digits.length < 7 || digits.length > 17 || hasOpenBracket(written)) return undefined
  const before = text.slice(Math.max(0, start - 48), start)
  if (/[\p{N}$€£¥#_]$|\p{N}[.,:/]$/u.test(before)) return undefined
  const following = text.slice(end, end + 12)
  if (/^(?:[\p{N}_%€$£]|[.,:]\d)/u.test(following) && !/^:\d/.test(following)) return undefined
  const isAfterLetter = /\p{L}$/u.test(before)
  const cued = endsWithPhoneCue(before)
  if (isAfterLetter && !cued) return undefined
  if (written.includes('+')) return international(written, digits)
  // `08452810075over18`: a word may follow at once; letters of a hexadecimal number may not.
  const isBeforeLetter = /^\p{L}/u.test(following)
  if (isBeforeLetter && !cued && !/^[a-z]*[g-z]/i.test(following)) return undefined
  if (cued) return beside <= mostGroupsBeside && digits.length <= 15 ? digits : undefined
  if (beside > mostGroupsBeside || endsWithOrderCue(before)) return undefined
  if (/^00[1-9]/.test(digits)) return parsed(`+${digits.slice(2)}`)
  if (northAmerican.test(written) && countries.some((country) => country === 'US' || country === 'CA'))
    return digits.slice(-10)
  return isTrunkForm(written, digits) ? national(written, countries) : undefined
}

function international(written: string, digits: string): string | undefined {
  // Thousands: +12.345.678
  if (/^\+\d{1,3}(?:[.\u00A0\u202F]\d{3})+$/.test(written) || digits.length < 8) return undefined
  const number = phoneLibrary().parsePhoneNumberFromString(written.replace(/\(0\)/, ''))
  return number?.isPossible() === true ? number.number : undefined
}

function parsed(written: string): string | undefined {
  const number = phoneLibrary().parsePhoneNumberFromString(written)
  return number?.isValid() === true ? number.number : undefined
}

/** With the 0 before the area: `020 7946 0958`, `(030) 1234567`, `02073162414`; no decimals, no counting in pairs. */
function isTrunkForm(written: string, digits: string): boolean {
  if (!/^\(?0[1-9]/.test(written) || digits.length < 9 || digits.length > 13) return false
  if (/^0\d+\.\d+$/.test(written)) return false
  return digits.length >= 10 || /\D/.test(written)
}

function national(written: string, countries: readonly CountryCode[]): string | undefined {
  for (const country of countries) {
    const number = phoneLibrary().parsePhoneNumberFromString(written, country)
    if (number?.isValid() === true) return number.number
  }
  return undefined
}

function hasOpenBracket(written: string): boolean {
  return written.split('(').length !== written.split(')').length
}
