import { endsWithVersionCue } from './cues.js'
import { isSurelyMonth, monthPattern } from './month-names.js'
import { matches, type Finder, type Span } from './personal-data.js'

const year = String.raw`(?:1[89]|20|21)\d{2}`
const day = String.raw`(?:0?[1-9]|[12]\d|3[01])`
const clock = String.raw`(?:T\d{2}:?\d{2}(?::?\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?`
const before = String.raw`(?<![\p{L}\p{N}]|[\p{N}][.,/:-])`
const after = String.raw`(?![\p{L}\p{N}]|[./:-]\d|,\d)`

const yearFirst = new RegExp(
  String.raw`${before}${year}([-/.])(?:0?[1-9]|1[0-2])\1${day}${clock}(?![\p{L}\p{N}]|[/-]\d|\.\d)`,
  'gu',
)
const yearLast = new RegExp(
  String.raw`${before}(\d{1,2})(?:([./-])|(?<=\d)\. )(\d{1,2})(?:\2|\. )(${year}|\d{2})${after}`,
  'gu',
)
const monthAndYear = new RegExp(String.raw`${before}(?:0[1-9]|1[0-2])[/.]${year}${after}`, 'gu')
const cjk =
  /(?:(?:1[89]|20|21)\d{2} ?[年년] ?)?\d{1,2} ?[月월] ?\d{1,2} ?[日日일号]|(?:1[89]|20|21)\d{2} ?[年년] ?\d{1,2} ?[月월]/gu

const month = `(?<month>${monthPattern})`
const of = String.raw`(?:\s(?:of|de|di|do|del|den))?`
const unit = String.raw`(?!\s?(?:%|€|\$|£|°|(?:years?|yrs?|months?|weeks?|days?|hours?|hrs?|mins?|minutes?|seconds?|times|people|persons|patients|cases|miles|kilom\p{L}+|km|cm|mm|mg|ml|kg|g|percent|ans|años|jahre|anni|am|pm|a\.m|p\.m|points?|steps?|units?|th|x)(?![\p{L}])))`
const dayMonth = new RegExp(
  String.raw`${before}${day}(?:\s?[-–]\s?${day})?(?<ordinal>st|nd|rd|th|er|ère|º|ª|°|\.)?${of}(?:\s|[-/.](?=\p{L}))\s?${month}(?![\p{L}])\.?(?:(?:,|\s(?:of|de|del|do))?(?:\s|(?<=\.)|[-/.])\s?(?<year>${year})(?!\d|[.,]\d)|[-/.'’ ]['’]?(?<short>\d{2})(?![\p{L}\p{N}]|[.,:/-]\d))?`,
  'giu',
)
const monthDay = new RegExp(
  String.raw`(?<![\p{L}\p{N}])${month}(?![\p{L}])\.?\s(?:the\s)?${day}(?:\s?[-–]\s?${day})?(?<ordinal>st|nd|rd|th)?(?![\p{L}\p{N}]|[.,:/-]\d)(?:(?:,\s?|\s)(?<year>${year})(?![\p{L}\p{N}]|[.,]\d)|${unit})`,
  'giu',
)
const monthYear = new RegExp(
  String.raw`(?<![\p{L}\p{N}])${month}(?![\p{L}])\.?(?:,?\s(?:of\s|de\s|del\s|do\s)?|[-/]|\s?['’])(?<year>${year}|(?<=['’])\d{2})(?![\p{L}\p{N}]|[.,]\d)`,
  'giu',
)

/** Dates with a day, or with month and year; years alone, months alone and times are no dates. */
export const findDates: Finder = (text) => {
  if (!/\d/.test(text)) return []
  const numeric: Span[] = [
    ...matches(text, yearFirst, (match) => !isVersion(text, match)),
    ...matches(text, yearLast, (match) => isDayMonthYear(match) && !isVersion(text, match)),
    ...matches(
      text,
      monthAndYear,
      ({ 0: found, index }) =>
        !/(?:titer|titre|dilut\p{L}*|ratio|scale|versi\p{L}*|v)\W{0,8}(?:of )?$/iu.test(
          text.slice(Math.max(0, index - 24), index),
        ) && found !== '',
    ),
  ]
  const named = [dayMonth, monthDay, monthYear].flatMap((pattern) => matches(text, pattern, named_))
  return [...named, ...numeric, ...(/[日일号月월]/.test(text) ? matches(text, cjk) : [])]
}

function isVersion(text: string, { index }: RegExpExecArray): boolean {
  return endsWithVersionCue(text.slice(Math.max(0, index - 24), index))
}

function isDayMonthYear(match: RegExpExecArray): boolean {
  const [found, first = '', sign, second = '', ending = ''] = match
  const [a, b] = [Number(first), Number(second)]
  const isDate = a >= 1 && b >= 1 && (b <= 12 ? a <= 31 : a <= 12 && b <= 31 && sign !== '.')
  if (!isDate) return false
  if (ending.length === 4) return true
  // Two digits for the year: `1/2/24` is a date, `10-10-10` a dose and `10.12.15` a version.
  if (sign === '/') return true
  return (
    first.length === 2 && second.length === 2 && !/\s/.test(found) && (first[0] === '0' || second[0] === '0' || a > 12)
  )
}

function named_(match: RegExpExecArray): boolean {
  const groups = match.groups ?? {}
  const word = groups['month'] ?? ''
  if (groups['year'] !== undefined) return true
  if (groups['short'] !== undefined && isSurelyMonth(word)) return true
  // `2 Mar` beside no year may be anything short; `the 5th may` is no date.
  return isSurelyMonth(word)
}
