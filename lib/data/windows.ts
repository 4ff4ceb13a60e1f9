/**
 * Ranges that cover `length` tokens, each of at most `size`, neighbours sharing `stride`; the last one ends with the text
 * and is the only shorter one. One empty range where there are no tokens.
 */
export function windows(length: number, size: number, stride: number): (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = []
  for (let start = 0; ; start += size - stride) {
    const end = Math.min(start + size, length)
    ranges.push([start, end])
    if (end === length) return ranges
  }
}
