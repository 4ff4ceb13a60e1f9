import { AttuneError } from '../errors.js'
import { settleOptions } from '../options.js'
import { deidentifyOptions, type DeidentifyOptions } from './deidentify-options.js'
import { findCards } from './find-cards.js'
import { findDates } from './find-dates.js'
import { findEmails } from './find-emails.js'
import { findIbans } from './find-ibans.js'
import { findIds } from './find-ids.js'
import { findIpAddresses } from './find-ip-addresses.js'
import { nameFinder } from './find-names.js'
import { phoneFinder } from './find-phones.js'
import { findPostcodes } from './find-postcodes.js'
import { findUrls } from './find-urls.js'
import { matches, personalDataKinds, type Finder, type PersonalDataKind } from './personal-data.js'
import { PlaceholderNumbers } from './placeholder-numbers.js'

/** Something that was found, by its place in the text as it came, in UTF-16 units. */
export interface DeidentifyFinding {
  /** A kind, or the name of a pattern of your own. */
  readonly kind: string
  readonly start: number
  readonly end: number
  /** What stands there now. */
  readonly placeholder: string
}

export interface DeidentifiedText {
  readonly text: string
  /** How many of each kind were found; kinds without any are left out. */
  readonly counts: Readonly<Record<string, number>>
  /** In the text's order; they never overlap. */
  readonly findings: readonly DeidentifyFinding[]
}

/** De-identifies texts with options that were read once. */
export interface Deidentifier {
  (text: string): DeidentifiedText
  /** With `consistent: 'row'`: what comes now belongs to another row, whose people are others. */
  readonly nextRow: () => void
}

/**
 * Replaces personal data by placeholders that say what stood there: `Call [NAME] on [PHONE]`. It finds what has a form or is
 * in your list, not what only a reader would know; it is no proof that a text is anonymous.
 * @throws AttuneError 'invalid-option'
 */
export function deidentify(text: string, options?: DeidentifyOptions): DeidentifiedText {
  return deidentifier(options)(text)
}

/** `deidentify` for many texts: reads the options and the list of names once. @throws AttuneError 'invalid-option' */
export function deidentifier(options: DeidentifyOptions = {}): Deidentifier {
  const settled = settleOptions(deidentifyOptions, options)
  const all: Readonly<Record<PersonalDataKind, Finder>> = {
    url: findUrls,
    email: findEmails,
    ip: findIpAddresses,
    iban: findIbans,
    card: findCards,
    id: findIds,
    date: findDates,
    phone: phoneFinder(settled.phoneRegions),
    name: nameFinder(settled.names, settled),
    postcode: findPostcodes,
  }
  const finders: readonly (readonly [kind: string, finder: Finder])[] = [
    ...Object.entries(settled.patterns).map(
      ([name, pattern]) => [name.toLowerCase(), patternFinder(name, pattern)] as const,
    ),
    ...personalDataKinds.filter((kind) => settled.kinds.includes(kind)).map((kind) => [kind, all[kind]] as const),
  ]
  const numbers = settled.consistent === false ? undefined : new PlaceholderNumbers()
  const nextRow = (): void => {
    if (settled.consistent !== 'dataset') numbers?.clear()
  }
  return Object.assign((text: string) => replaced(text, finders, numbers), { nextRow })
}

function replaced(
  text: string,
  finders: readonly (readonly [kind: string, finder: Finder])[],
  numbers: PlaceholderNumbers | undefined,
): DeidentifiedText {
  const found: { kind: string; start: number; end: number; identity: string | undefined }[] = []
  let open = text
  for (const [kind, finder] of finders) {
    const spans = finder(open).sort((a, b) => a.start - b.start || b.end - a.end)
    let [left, at] = ['', 0]
    for (const { start, end, identity } of spans) {
      // Two forms of one kind may meet; the first one has it.
      if (start < at || open.slice(start, end).includes('\0')) continue
      left += open.slice(at, start) + '\0'.repeat(end - start)
      at = end
      found.push({ kind, start, end, identity })
    }
    open = left + open.slice(at)
  }
  if (found.length === 0) return { text, counts: {}, findings: [] }
  found.sort((a, b) => a.start - b.start)
  const counts: Record<string, number> = {}
  const findings: DeidentifyFinding[] = []
  let result = ''
  let at = 0
  for (const { kind, start, end, identity } of found) {
    counts[kind] = (counts[kind] ?? 0) + 1
    const number = numbers?.numberOf(kind, identity ?? text.slice(start, end))
    const placeholder = `[${kind.toUpperCase()}${number === undefined ? '' : `_${number}`}]`
    findings.push({ kind, start, end, placeholder })
    result += text.slice(at, start) + placeholder
    at = end
  }
  return { text: result + text.slice(at), counts, findings }
}

function patternFinder(name: string, pattern: RegExp | string): Finder {
  const where = `options.patterns.${name}`
  let expression: RegExp
  try {
    expression =
      typeof pattern === 'string'
        ? new RegExp(pattern, 'gu')
        : new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`)
  } catch (cause) {
    const message = `${where}: expected a regular expression, received '${String(pattern)}': ${String(cause)}`
    throw new AttuneError('invalid-option', message, { where, cause })
  }
  if (expression.test('')) {
    throw new AttuneError(
      'invalid-option',
      `${where}: /${expression.source}/ fits everywhere, even where nothing stands`,
      { where },
    )
  }
  return (text) => matches(text, expression)
}
