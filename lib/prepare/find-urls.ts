import { matches, type Finder, type Span } from './personal-data.js'

// The end is found afterwards: punctuation that closes the sentence, and brackets that opened before, are not the address's.
const rest = '[^\\s\\0<>"“”«»{}|\\\\^`]'
const withScheme = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?:https?|ftps?|sftp|ssh|file|mailto|tel):(?://)?${rest}{2,2048}`,
  'giu',
)
const withWww = new RegExp(String.raw`(?<![\p{L}\p{N}@])www\.[\p{L}\p{N}-]{1,63}\.${rest}{2,2048}`, 'giu')
// A bare domain is one with an ending that no word has; `.net` and other endings need a path.
const label = String.raw`[a-z0-9](?:[a-z0-9-]{0,62})\.`
const bare = new RegExp(
  String.raw`(?<![\p{L}\p{N}@./_-])(?:${label}){1,5}(?:(?:com|org|edu|gov|co\.uk|org\.uk|ac\.uk|com\.au)(?![\p{L}\p{N}@-]|\.[a-z])(?:[/?#]${rest}{0,2048})?|(?:[a-z]{2,12})/${rest}{0,2048})`,
  'giu',
)

export const findUrls: Finder = (text) => [
  ...(text.includes(':') ? matches(text, withScheme, (match) => ended(match)) : []),
  ...(/www\./i.test(text) ? matches(text, withWww, (match) => ended(match)) : []),
  ...(text.includes('.') ? matches(text, bare, (match) => isBareAddress(match[0]) && ended(match)) : []),
]

// `and/or`, `1.5/day`, `e.g./i.e.` and `v1.2/notes` are no addresses, `Node.js/Express` is none either.
function isBareAddress(found: string): boolean {
  const [host = ''] = found.split(/[/?#]/)
  const ending = host.slice(host.lastIndexOf('.') + 1)
  if (/^(?:com|org|edu|gov|uk|au)$/.test(ending)) return /[a-z]/i.test(host.slice(0, -ending.length - 1))
  const first = host.split('.')[0] ?? ''
  return (
    first.length >= 3 &&
    /^(?:net|io|de|fr|es|it|nl|se|ch|at|be|pl|eu|info|dev|app|gov|in|ca|us|me|tv|ly|gl|be)$/.test(ending)
  )
}

function ended(match: RegExpExecArray): Span | false {
  let found = match[0]
  for (;;) {
    const shorter = found.replace(/[.,;:!?'’*_~…]+$/u, '')
    const last = shorter.at(-1) ?? ''
    const opening = last === ')' ? '(' : last === ']' ? '[' : ''
    const isOpen = opening === '' || count(shorter, opening) >= count(shorter, last)
    const next = isOpen ? shorter : shorter.slice(0, -1)
    if (next === found) break
    found = next
  }
  if (!/[\p{L}\p{N}]/u.test(found.replace(/^[a-z]+:/i, ''))) return false
  // `tel: see below` and `file:` are words before a colon.
  if (/^(?:tel|mailto|file|ssh):/i.test(found) && !/^(?:tel:\+?\d{5}|mailto:[^@]+@|(?:file|ssh):\/\/)/i.test(found))
    return false
  if (/^(?:https?|ftps?|sftp):/i.test(found) && !/^[a-z]+:\/\//i.test(found)) return false
  return { start: match.index, end: match.index + found.length, identity: found }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1
}
