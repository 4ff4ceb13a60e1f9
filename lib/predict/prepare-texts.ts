import type { TextOrPair } from '../data/encode-texts.js'
import { tokenTypes } from '../data/encode-texts.js'
import { keptTokens } from '../data/shorten.js'
import { windowsOfPair, windowsOfText } from '../data/token-windows.js'
import { checkedStride } from '../data/windows.js'
import { AttuneError } from '../errors.js'
import { meanLogits } from '../models/probabilities.js'
import type { EncodedText } from '../tokenizer/tokenizer.js'
import type { Settled } from '../options.js'
import type { cutOrWindowOptions } from './predict-options.js'
import type { Piece, RowsVerb } from './predict-rows.js'
import type { VerbContext } from './verb.js'

/** Nothing but white space says nothing. */
export function emptyText(where: string, what = 'the text'): AttuneError {
  return new AttuneError('invalid-input', `${where}: ${what} is empty`, { where })
}

/** Longest text in tokens: what the model takes, or less where the caller says so. */
export function longest({ model }: VerbContext, maxLength: number | undefined): number {
  return Math.min(maxLength ?? Infinity, model.definition.maxPositions)
}

/** Each text tokenized; an error for one that is empty. */
export async function encodeEach(
  { tokenizer }: VerbContext,
  texts: readonly TextOrPair[],
  nameOf: (index: number) => string,
): Promise<(EncodedText | AttuneError)[]> {
  const results: (EncodedText | AttuneError)[] = texts.map((text, index) => problemOf(text, nameOf(index)) ?? waiting)
  const good = results.flatMap((result, index) => (result === waiting ? [index] : []))
  const encoded = await tokenizer.encodeBatchInFull(good.map((index) => texts[index] ?? ''))
  good.forEach((index, i) => {
    const text = encoded[i]
    results[index] = text === undefined || text.ids.length === 0 ? emptyText(nameOf(index)) : text
  })
  return results
}

const waiting = new AttuneError('internal', 'not encoded')

function problemOf(text: unknown, where: string): AttuneError | undefined {
  if (typeof text === 'string') return text.trim() === '' ? emptyText(where) : undefined
  if (Array.isArray(text) && text.length === 2 && text.every((part) => typeof part === 'string')) {
    const empty = text.findIndex((part) => part.trim() === '')
    return empty < 0 ? undefined : emptyText(where, `text ${empty + 1} of the pair`)
  }
  const received = text === null ? 'null' : Array.isArray(text) ? 'a list' : `a value of type ${typeof text}`
  const message = `${where}: expected a text, or a pair of texts in a list, received ${received}`
  return new AttuneError('invalid-input', message, { where })
}

type Cut = Pick<Settled<typeof cutOrWindowOptions>, 'maxLength' | 'truncation'> & {
  readonly stride?: number | undefined
}

/** Reads each text as a whole, or in windows; `result` is what becomes of its one row of logits: of windows the mean. */
export function wholeTexts<Result>(
  context: VerbContext,
  { maxLength, truncation, stride }: Cut,
  result: (logits: Float32Array) => Result,
): Pick<RowsVerb<TextOrPair, Result>, 'prepare'> {
  const most = longest(context, maxLength)
  const cut = { maxLength: most, truncation, stride: checkedStride({ truncation, stride, maxLength: most }, 0) }
  return {
    async prepare(texts, nameOf) {
      const encoded = await encodeEach(context, texts, nameOf)
      return encoded.map((text, index) => {
        if (text instanceof AttuneError) return text
        const pieces = piecesOf(text, cut, typeof texts[index] !== 'string', nameOf(index))
        if (pieces instanceof AttuneError) return pieces
        return { pieces, result: (logits) => result(meanLogits(logits)) }
      })
    },
  }
}

/** The text as one piece, or in windows where it is longer and the caller wants that; else an error. */
function piecesOf(
  encoded: EncodedText,
  { maxLength, truncation, stride }: Cut & { readonly maxLength: number; readonly stride: number },
  isPair: boolean,
  where: string,
): Piece[] | AttuneError {
  const { ids } = encoded
  if (ids.length <= maxLength) return [{ inputIds: ids, ...tokenTypes({ ids, encoded, kept: undefined }) }]
  const partOf = (kept: readonly number[]): Piece => {
    const inputIds = Int32Array.from(kept, (at) => ids[at] ?? 0)
    return { inputIds, ...tokenTypes({ ids: inputIds, encoded, kept }) }
  }
  if (truncation === 'window') {
    const windows = (isPair ? windowsOfPair : windowsOfText)(encoded, { maxLength, stride })
    if (typeof windows !== 'string') return windows.map(partOf)
    return new AttuneError('sequence-too-long', `${where}: ${windows}`, { where })
  }
  if (truncation === 'error') {
    const message = `${where}: the text has ${ids.length} tokens, more than ${maxLength}; shorten it, or set options.truncation to 'tail' or 'head'`
    return new AttuneError('sequence-too-long', message, { where })
  }
  const kept = keptTokens(encoded, maxLength, truncation)
  if (kept === undefined) {
    const message = `options.maxLength ${maxLength} leaves no room for the text of ${where} between the tokens that the tokenizer adds`
    throw new AttuneError('invalid-option', message, { where: 'options.maxLength' })
  }
  return [partOf(kept)]
}
