/** Tokens put into a vocabulary that lacks them, as `added_tokens` of tokenizer.json. */
import { AttuneError } from '../errors.js'

export interface AddedToken {
  readonly content: string
  /** Left out of decoded text, and never split or normalised. @default true */
  readonly special?: boolean | undefined
}

interface StoredToken {
  readonly id: number
  readonly content: string
}

/** The text of tokenizer.json with the tokens that it has not, and those tokens with their ids. */
export function withAddedTokens(
  json: string,
  tokens: readonly (string | AddedToken)[],
  vocabSize: number,
  has: (content: string) => boolean,
): { readonly json: string; readonly added: ReadonlyMap<string, number> } {
  const file = JSON.parse(json) as { added_tokens?: StoredToken[] }
  const added = new Map<string, number>()
  const entries = tokens.flatMap((token) => {
    const { content, special = true } = typeof token === 'string' ? { content: token } : token
    if (content.trim() === '') {
      const message = `options.addTokens: ${JSON.stringify(content)} is no token: it has nothing but white space`
      throw new AttuneError('invalid-option', message, { where: 'options.addTokens' })
    }
    if (has(content) || added.has(content)) return []
    const id = vocabSize + added.size
    added.set(content, id)
    const plain = { single_word: false, lstrip: false, rstrip: false }
    return [{ id, content, ...plain, normalized: !special, special }]
  })
  if (added.size === 0) return { json, added }
  return { json: JSON.stringify({ ...file, added_tokens: [...(file.added_tokens ?? []), ...entries] }), added }
}

/** The tokens that one tokenizer.json adds to another's. */
export function addedTokensOf(json: string, has: (content: string) => boolean): AddedToken[] {
  const { added_tokens: tokens = [] } = JSON.parse(json) as { added_tokens?: (StoredToken & AddedToken)[] }
  const own = tokens.filter(({ content }) => !has(content)).sort((a, b) => a.id - b.id)
  return own.map(({ content, special }) => ({ content, special }))
}
