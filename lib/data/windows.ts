import { AttuneError } from '../errors.js'

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

/** @throws AttuneError 'invalid-option' */
export function checkedStride(stride: number): number {
  if (Number.isSafeInteger(stride) && stride >= 0) return stride
  const message = `options.stride should be a whole number from 0 on, received ${stride}`
  throw new AttuneError('invalid-option', message, { where: 'options.stride' })
}
