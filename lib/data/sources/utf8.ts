/** What is wrong with bytes that should be UTF-8, in words. */
import { isUtf8 } from 'node:buffer'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Which byte is the first that is no UTF-8; `offset` is where the bytes begin in the file. */
export function describeBadUtf8(bytes: Buffer, offset: number): string {
  const at = firstBadByte(bytes)
  const hex = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0')
  const place = `byte 0x${hex} at offset ${(offset + at).toLocaleString('en-US')} of the file`
  return `not valid UTF-8 (${place}); save the file as UTF-8, or name what it is in options.encoding ('windows-1252')`
}

/** The longest good beginning ends here. */
function firstBadByte(bytes: Buffer): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isGoodUntil(bytes, middle)) good = middle
    else bad = middle
  }
  // What ends within a character was good so far: that character is the bad one.
  while (good > 0 && !isUtf8(bytes.subarray(0, good))) good--
  return good
}

/** Whether nothing is wrong before `end`, which may lie within a character. */
function isGoodUntil(bytes: Buffer, end: number): boolean {
  try {
    decoder.decode(bytes.subarray(0, end), { stream: true })
    return true
  } catch {
    return false
  } finally {
    try {
      decoder.decode()
    } catch {
      // Forgets the beginning of a character that was left.
    }
  }
}
