import type { EncodedText } from '../tokenizer/tokenizer.js'
import { noRoomForWindows, windows } from './windows.js'

/**
 * A text too long for a model in pieces: for each window the tokens of `encoded` that are in it. Those of text `sequence`
 * (0, or 1 for the second of a pair) are shared out, neighbours having `stride` of them in common; all others (added
 * tokens, the other text) are in every window. Undefined where windows of `maxLength` tokens leave no room to go on.
 */
export function tokenWindows(
  { sequenceIds }: Pick<EncodedText, 'sequenceIds'>,
  sequence: 0 | 1,
  maxLength: number,
  stride: number,
): number[][] | undefined {
  const own = sequenceIds.flatMap((id, at) => (id === sequence ? [at] : []))
  const size = maxLength - (sequenceIds.length - own.length)
  if (own.length > size && size <= stride) return undefined
  return windows(own.length, size, stride).map(([from, to]) => {
    const [first = Infinity, last = -1] = [own[from], own[to - 1]]
    return sequenceIds.flatMap((id, at) => (id !== sequence || (at >= first && at <= last) ? [at] : []))
  })
}

export interface WindowSizes {
  readonly maxLength: number
  readonly stride: number
}

/** A single text in windows. @throws AttuneError 'invalid-option' where they leave no room to go on */
export function windowsOfText(
  encoded: Pick<EncodedText, 'sequenceIds'>,
  { maxLength, stride }: WindowSizes,
): number[][] {
  const found = tokenWindows(encoded, 0, maxLength, stride)
  if (found !== undefined) return found
  throw noRoomForWindows(maxLength, encoded.sequenceIds.filter((id) => id !== 0).length, stride)
}

/** The second text of a pair in windows, the first in each; else what is wrong with the pair. */
export function windowsOfPair(
  encoded: Pick<EncodedText, 'sequenceIds'>,
  { maxLength, stride }: WindowSizes,
): number[][] | string {
  const found = tokenWindows(encoded, 1, maxLength, stride)
  if (found !== undefined) return found
  const { sequenceIds } = encoded
  const first = sequenceIds.filter((id) => id === 0).length
  const left = maxLength - sequenceIds.filter((id) => id !== 1).length
  return (
    `the first text of the pair has ${first} tokens and leaves ${Math.max(left, 0)} for the second in windows of ` +
    `options.maxLength ${maxLength} that share ${stride}: only the second text is cut into windows; raise maxLength, ` +
    "put the long text second, or set options.truncation to 'tail' or 'head'"
  )
}

/** Where a token of a text stands: the window, and its place in that. */
export interface TokenPlace {
  readonly at: number
  readonly window: number
  readonly place: number
}

/**
 * For each token of the text, in order: the window that has most of the text around it, the earlier of two alike. Those of one
 * window stand next to each other.
 * @param added which tokens are not of the text
 */
export function placesOfTokens(windowsOfText: readonly (readonly number[])[], added: readonly boolean[]): TokenPlace[] {
  const best = new Map<number, TokenPlace & { readonly around: number }>()
  windowsOfText.forEach((kept, window) => {
    kept.forEach((at, place) => {
      if (added[at] === true) return
      // The text's own ends are no edges that anything was cut off at.
      const before = window === 0 ? Infinity : place
      const after = window === windowsOfText.length - 1 ? Infinity : kept.length - 1 - place
      const around = Math.min(before, after)
      if (around > (best.get(at)?.around ?? -1)) best.set(at, { at, window, place, around })
    })
  })
  return [...best.values()].sort((a, b) => a.at - b.at)
}
