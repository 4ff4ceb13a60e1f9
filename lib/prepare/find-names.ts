import { ordinaryWords } from './ordinary-words.js'
import type { Finder, Span } from './personal-data.js'

export interface NameOptions {
  /** 'auto': without regard to case, except that small letters are a word where the name is one ('will', 'rose') or is short. */
  readonly nameCase: 'auto' | 'exact' | 'any'
  /** Whether `Peters` is Peter's, as in German and Swedish. */
  readonly genitiveS: boolean
}

interface Word {
  readonly folded: string
  readonly written: string
  readonly start: number
  readonly end: number
}

interface Form {
  readonly words: readonly string[]
  readonly written: readonly string[]
  /** After which word a comma stands, as in `Smith, John`. */
  readonly commaAfter: number | undefined
  readonly identity: string
  readonly isOrdinary: boolean
}

// In these scripts nothing stands between words: each character is looked at as a word of its own.
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`
const wordPattern = new RegExp(String.raw`[${unspaced}]\p{M}*|(?:(?![${unspaced}])[\p{L}\p{M}\p{N}])+`, 'gu')
const isUnspaced = new RegExp(`^[${unspaced}]`, 'u')
// What may stand between the words of one name: `Jean-Luc`, `Anna  Karin`, `O’Neil`, `J. R. R. Tolkien`, a line break.
const joint = /^(?:[ \t\u00A0\u202F]{1,3}|[ \t]?\r?\n[ \t]{0,3}|[-‐‑–_·]|['’ʼ]|)$/
const initialJoint = /^\.?[ \t\u00A0\u202F]?$/
const commaJoint = /^ ?, ?$/

/** The given names, each a name or a list of forms of one name, as whole words; the longest first. */
export function nameFinder(names: readonly (string | readonly string[])[], options: NameOptions): Finder {
  const forms = new Map<string, Form[]>()
  names.forEach((entry) => {
    const list = typeof entry === 'string' ? [entry] : entry
    const identity = foldedName(list[0] ?? '')
    for (const name of list) for (const form of formsOf(name, identity)) add(forms, form)
  })
  for (const list of forms.values()) list.sort((a, b) => b.words.length - a.words.length)
  if (forms.size === 0) return () => []
  return (text) => {
    const words = wordsOf(text)
    const spans: Span[] = []
    for (let at = 0; at < words.length; at++) {
      const found = longestAt(text, words, at, forms, options)
      if (found === undefined) continue
      spans.push(found.span)
      at = found.last
    }
    return spans
  }
}

/** A name's words in the form in which names are compared. */
export function foldedName(name: string): string {
  return wordsOf(name)
    .map(({ folded }) => folded)
    .join(' ')
}

function formsOf(name: string, identity: string): Form[] {
  const words = wordsOf(name)
  if (words.length === 0) return []
  const folded = words.map((word) => word.folded)
  const written = words.map((word) => word.written)
  const isOrdinary = folded.every(
    (word, i) => !isUnspaced.test(written[i] ?? '') && (word.length <= 3 || ordinaryWords.has(word)),
  )
  const form: Form = { words: folded, written, commaAfter: undefined, identity, isOrdinary }
  if (words.length < 2 || isUnspaced.test(name.trim())) return [form]
  const turn = <T>(list: readonly T[]): T[] => [...list.slice(-1), ...list.slice(0, -1)]
  return [form, { ...form, words: turn(folded), written: turn(written), commaAfter: 0 }]
}

function add(forms: Map<string, Form[]>, form: Form): void {
  const [first = ''] = form.words
  const list = forms.get(first)
  if (list === undefined) forms.set(first, [form])
  else list.push(form)
}

function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(wordPattern), ({ 0: written, index }) => ({
    written,
    folded: fold(written),
    start: index,
    end: index + written.length,
  }))
}

/** Case and ways of composing letters away: upper and back, so that `Weiß` and `WEISS` are one. */
function fold(word: string): string {
  return /^[a-z]+$/.test(word) ? word : word.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

function longestAt(
  text: string,
  words: readonly Word[],
  at: number,
  forms: ReadonlyMap<string, readonly Form[]>,
  options: NameOptions,
): { readonly span: Span; readonly last: number } | undefined {
  const first = words[at]
  if (first === undefined) return undefined
  for (const form of forms.get(first.folded) ?? []) {
    const last = at + form.words.length - 1
    if (isHere(text, words, at, form, form.words.at(-1) ?? '') && fits(words.slice(at, last + 1), form, options)) {
      return { span: { start: first.start, end: words[last]?.end ?? first.end, identity: form.identity }, last }
    }
  }
  return options.genitiveS ? genitiveAt(text, words, at, forms, options) : undefined
}

/** `Peters bil`, `Anna Lindbergs`: the last word with an s, with a capital as names have. */
function genitiveAt(
  text: string,
  words: readonly Word[],
  at: number,
  forms: ReadonlyMap<string, readonly Form[]>,
  options: NameOptions,
): { readonly span: Span; readonly last: number } | undefined {
  const first = words[at]
  if (first === undefined) return undefined
  for (const form of [...(forms.get(first.folded) ?? []), ...(forms.get(first.folded.replace(/s$/, '')) ?? [])]) {
    const last = at + form.words.length - 1
    const ending = form.words.at(-1) ?? ''
    const span = words.slice(at, last + 1)
    if (ending.length < 3 || !isHere(text, words, at, form, `${ending}s`)) continue
    if (!/^\p{Lu}/u.test(first.written) || !fits(span, form, { ...options, nameCase: 'any' })) continue
    return { span: { start: first.start, end: (span.at(-1)?.end ?? first.end) - 1, identity: form.identity }, last }
  }
  return undefined
}

function isHere(text: string, words: readonly Word[], at: number, form: Form, ending: string): boolean {
  return form.words.every((word, i) => {
    const here = words[at + i]
    if (here === undefined || here.folded !== (i === form.words.length - 1 ? ending : word)) return false
    const next = words[at + i + 1]
    if (i === form.words.length - 1 || next === undefined) return true
    const gap = text.slice(here.end, next.start)
    if (form.commaAfter === i) return commaJoint.test(gap)
    // A point ends an initial or a short title; elsewhere it ends the sentence.
    return joint.test(gap) || (here.written.length <= 3 && initialJoint.test(gap))
  })
}

function fits(words: readonly Word[], form: Form, { nameCase }: NameOptions): boolean {
  if (nameCase === 'any') return true
  const written = words.map((word) => word.written.normalize('NFC'))
  if (nameCase === 'exact') return written.every((word, i) => word === form.written[i]?.normalize('NFC'))
  const isSmall = written.every((word) => word === word.toLowerCase() && word !== word.toUpperCase())
  return !(isSmall && form.isOrdinary)
}
