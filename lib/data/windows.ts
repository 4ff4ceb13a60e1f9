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

export interface StrideOptions {
  readonly truncation?: string | undefined
  /** Tokens that neighbouring windows share. */
  readonly stride?: number | undefined
  readonly maxLength?: number | undefined
}

/**
 * The stride that was asked for, else the usual one.
 * @throws AttuneError 'invalid-option' for one that is no whole number, that has no effect, or that is as long as a window
 */
export function checkedStride({ truncation, stride, maxLength = Infinity }: StrideOptions, usual: number): number {
  if (stride === undefined) return usual
  const refused = (what: string): AttuneError =>
    new AttuneError('invalid-option', `options.stride ${what}`, { where: 'options.stride' })
  if (!Number.isSafeInteger(stride) || stride < 0) {
    throw refused(`should be a whole number from 0 on, received ${stride}`)
  }
  if (truncation !== 'window') {
    throw refused("has no effect without options.truncation 'window': set that, or leave stride out")
  }
  if (stride >= maxLength) {
    throw refused(`${stride} is as much as a window holds (options.maxLength ${maxLength}): neighbours share fewer`)
  }
  return stride
}

// Both as in the question answering examples of transformers.
const usualOverlap = 128
/** Tokens of a window of a context to answer from, with the question. */
export const usualWindow = 384

/** What windows share where each word, or each answer, should have some text around it. */
export function usualStrideOf(maxLength: number): number {
  return Math.min(usualOverlap, Math.floor(maxLength / 3))
}

/** Windows that could not go on. `fixed`: tokens that every window holds; `shared`: those that neighbours share. */
export function noRoomForWindows(maxLength: number, fixed: number, shared: number): AttuneError {
  const room = maxLength - fixed
  const message =
    room > 0
      ? `windows of options.maxLength ${maxLength} hold ${room} tokens of the text and would share ${shared} (options.stride): neighbours share fewer`
      : `options.maxLength ${maxLength} leaves no room for text beside the ${fixed} tokens that stand in every window`
  return new AttuneError('invalid-option', message, { where: room > 1 ? 'options.stride' : 'options.maxLength' })
}
