import type { EncodedText } from '../tokenizer/tokenizer.js'
import { windows } from './windows.js'

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
