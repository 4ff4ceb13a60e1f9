import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { ignoredLabel, type CausalShape, type EncodedRow } from './row-encoders.js'
import { noRoomForWindows, windows } from './windows.js'

/** How many tokens at the ends of a row the tokenizer put there (or a template: the BOS). */
export interface AddedTokens {
  readonly front: number
  readonly back: number
}

/** Of rows of this shape, as `rowEncoders` write them. */
export async function addedTokensOf(
  shape: CausalShape,
  tokenizer: Pick<Tokenizer, 'addedTokenCounts' | 'bosTokenId'>,
): Promise<(row: EncodedRow) => AddedTokens> {
  const { before, after } = await tokenizer.addedTokenCounts()
  // A template writes the BOS itself.
  if (shape === 'messages') return ({ inputIds }) => ({ front: inputIds[0] === tokenizer.bosTokenId ? 1 : 0, back: 0 })
  return () => ({ front: before, back: shape === 'text' ? after : 0 })
}

/** A row cut to so many tokens; 'head' cuts behind the tokens in front. */
export function cutRow(row: EncodedRow, length: number, side: 'tail' | 'head', { front }: AddedTokens): EncodedRow {
  if (side === 'tail') return { inputIds: row.inputIds.slice(0, length), labels: row.labels.slice(0, length) }
  if (front >= length) throw noRoomForWindows(length, front, 0)
  const from = row.inputIds.length - (length - front)
  return {
    inputIds: joined(row.inputIds.subarray(0, front), row.inputIds.subarray(from)),
    labels: joined(row.labels.subarray(0, front), row.labels.subarray(from)),
  }
}

/**
 * A row in windows of at most `maxLength` tokens, neighbours sharing `stride` of them, the added tokens around each. A label stands
 * in one window: what is shared is only read the second time. Where nothing stands in front, one token at least is shared:
 * nothing would predict a window's first.
 * @throws AttuneError 'invalid-option' where windows leave no room to go on
 */
export function rowWindows(
  { inputIds, labels }: EncodedRow,
  maxLength: number,
  stride: number,
  { front, back }: AddedTokens,
): EncodedRow[] {
  const size = maxLength - front - back
  const shared = front === 0 ? Math.max(stride, 1) : stride
  if (size <= shared) throw noRoomForWindows(maxLength, front + back, shared)
  const end = inputIds.length - back
  const ranges = windows(end - front, size, shared)
  return ranges.map(([from, to], index) => {
    const isLast = index === ranges.length - 1
    const own = labels.slice(front + from, front + to)
    if (index > 0) own.fill(ignoredLabel, 0, shared)
    const ends = (at: Int32Array, isLabelled: boolean): Int32Array => (isLabelled ? at : at.slice().fill(ignoredLabel))
    return {
      inputIds: joined(
        inputIds.subarray(0, front),
        inputIds.subarray(front + from, front + to),
        inputIds.subarray(end),
      ),
      labels: joined(ends(labels.subarray(0, front), index === 0), own, ends(labels.subarray(end), isLast)),
    }
  })
}

/** The labels that carry loss; nothing predicts the first token, so it never counts. */
export function countTargets(labels: Int32Array): number {
  let count = 0
  for (let at = 1; at < labels.length; at++) if (labels[at] !== ignoredLabel) count++
  return count
}

function joined(...parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
