import type { EncodedText } from '../tokenizer/tokenizer.js'

/**
 * Which tokens stay when an encoded text is cut to `maxLength`: all that the tokenizer added, and of a pair the longer
 * text gives first (transformers' 'longest_first'). 'tail' cuts off the end of a text, 'head' its beginning.
 * Undefined where not one token of each text would be left.
 */
export function keptTokens(encoded: EncodedText, maxLength: number, side: 'tail' | 'head'): number[] | undefined {
  const { sequenceIds } = encoded
  const lengths = [0, 1].map((sequence) => sequenceIds.filter((id) => id === sequence).length)
  const [first = 0, second = 0] = lengths
  const room = maxLength - (sequenceIds.length - first - second)
  const [keepFirst, keepSecond] = sharedRoom(first, second, room)
  if (keepFirst < Math.min(first, 1) || keepSecond < Math.min(second, 1)) return undefined
  const keep = [keepFirst, keepSecond]
  const seen = [0, 0]
  const kept: number[] = []
  sequenceIds.forEach((sequence, at) => {
    if (sequence === null) {
      kept.push(at)
      return
    }
    const place = seen[sequence] ?? 0
    seen[sequence] = place + 1
    const left = keep[sequence] ?? 0
    if (side === 'tail' ? place < left : place >= (lengths[sequence] ?? 0) - left) kept.push(at)
  })
  return kept
}

/** How many tokens of two texts stay, as the tokenizers library shares them out. */
function sharedRoom(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second]
  const short = Math.min(first, second)
  const longKept = short > room ? short : Math.max(short, room - short)
  const half = Math.floor(room / 2)
  const [a, b] = short + longKept > room ? [half, half + (room % 2)] : [short, longKept]
  return first <= second ? [a, b] : [b, a]
}
