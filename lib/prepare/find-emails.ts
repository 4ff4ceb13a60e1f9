import { matches, type Finder, type Span } from './personal-data.js'

// Lengths are those of RFC 5321, which also keeps the search linear.
const address =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}][\p{L}\p{N}._%+'’-]{0,63}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}@-])/gu
// `jane (at) example (dot) org`: brackets are what tells it from ordinary words.
const spelled =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}][\p{L}\p{N}._%+-]{0,63} ?[[({] ?at ?[\])}] ?[\p{L}\p{N}-]{1,63}(?: ?[[({] ?(?:dot|\.) ?[\])}] ?[\p{L}\p{N}-]{2,63}|\.[\p{L}\p{N}-]{2,63}){1,4}/giu

export const findEmails: Finder = (text) => [
  ...(text.includes('@') ? matches(text, address, identified) : []),
  ...(/[[({] ?at ?[\])}]/i.test(text) ? matches(text, spelled, identified) : []),
]

function identified(match: RegExpExecArray): Span {
  const [found] = match
  return { start: match.index, end: match.index + found.length, identity: found.toLowerCase() }
}
