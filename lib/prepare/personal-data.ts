/** The kinds of personal data that are looked for, in the order in which they take their part of a text. */
export const personalDataKinds = [
  'url',
  'email',
  'ip',
  'iban',
  'card',
  'id',
  'date',
  'phone',
  'name',
  'postcode',
] as const

/** 'postcode' is looked for only where it is asked for. */
export type PersonalDataKind = (typeof personalDataKinds)[number]

export const usualKinds: readonly PersonalDataKind[] = personalDataKinds.filter((kind) => kind !== 'postcode')

/** A stretch of a text, in UTF-16 units as `String.slice` counts. */
export interface Span {
  readonly start: number
  readonly end: number
  /** What makes two spans the same person, number or address; absent: the text itself, by letters and digits. */
  readonly identity?: string | undefined
}

/** Looks for one kind in a text. What other kinds have taken already stands there as U+0000. */
export type Finder = (text: string) => Span[]

/** Spans of all matches that `accept` takes, in the text's order. `accept` may narrow a match, or give its identity. */
export function matches(
  text: string,
  pattern: RegExp,
  accept: (match: RegExpExecArray) => boolean | Span = () => true,
): Span[] {
  const spans: Span[] = []
  for (const match of text.matchAll(pattern)) {
    const answer = accept(match)
    if (answer === false || match[0] === '') continue
    spans.push(answer === true ? { start: match.index, end: match.index + match[0].length } : answer)
  }
  return spans
}
