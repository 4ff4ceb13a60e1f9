import type { EncodedText, Tokenizer } from '../tokenizer/tokenizer.js'
import { tokenTypes } from './encode-texts.js'
import { tokenWindows } from './token-windows.js'

/** A question with a piece of its context. */
export interface QuestionWindow {
  readonly inputIds: Int32Array
  readonly tokenTypeIds?: Int32Array
  /** Where each token stands in the context, [start, end) in code points; null for tokens that are not of the context. */
  readonly offsets: readonly (readonly [number, number] | null)[]
  /** The token that stands for no answer: [CLS], else the first. */
  readonly noAnswerAt: number
}

/** Undefined where the question leaves no room for the context. `kept`: the tokens of `encoded` that are in each. */
export function questionWindows(
  encoded: EncodedText,
  { clsTokenId }: Pick<Tokenizer, 'clsTokenId'>,
  { maxLength, stride }: { readonly maxLength: number; readonly stride: number },
): (QuestionWindow & { readonly kept: readonly number[] })[] | undefined {
  const { ids, offsets, sequenceIds } = encoded
  return tokenWindows(encoded, 1, maxLength, stride)?.map((kept) => {
    const inputIds = Int32Array.from(kept, (at) => ids[at] ?? 0)
    return {
      inputIds,
      ...tokenTypes({ ids: inputIds, encoded, kept }),
      offsets: kept.map((at) => (sequenceIds[at] === 1 ? (offsets[at] ?? null) : null)),
      noAnswerAt: clsTokenId === undefined ? 0 : Math.max(inputIds.indexOf(clsTokenId), 0),
      kept,
    }
  })
}
