import type { ByteBlocks } from './byte-blocks.js'

const newline = 0x0a

/** Whole lines that follow each other. */
export interface LineRun {
  /** With their line ends; the last line of a file may have none. */
  readonly bytes: Buffer
  /** Number of the first one, from 1. */
  readonly line: number
  /** Where the first one begins in the file. */
  readonly offset: number
}

/** A line that is longer than a row may be; its bytes are gone. */
export interface LongLine {
  readonly bytes?: undefined
  readonly line: number
  readonly offset: number
}

/**
 * Cuts blocks of bytes into runs of whole lines. Only a line that two blocks share is copied, and none is kept that
 * grows longer than `maxBytes`. Lines within a run may still be longer than that.
 */
export async function* lineRuns(blocks: ByteBlocks, maxBytes: number): AsyncGenerator<LineRun | LongLine, void, void> {
  let line = 1
  let offset = 0
  let begun: Buffer[] = []
  let begunBytes = 0
  let isLong = false
  for await (const block of blocks) {
    let start = 0
    if (begunBytes > 0) {
      const end = block.indexOf(newline)
      const part = end < 0 ? block : block.subarray(0, end + 1)
      begunBytes += part.length
      if (begunBytes > maxBytes + 2) {
        isLong = true
        begun = []
      } else begun.push(Buffer.from(part))
      if (end < 0) continue
      yield isLong ? { line, offset } : { bytes: Buffer.concat(begun, begunBytes), line, offset }
      line++
      offset += begunBytes
      start = end + 1
      begun = []
      begunBytes = 0
      isLong = false
    }
    const end = block.lastIndexOf(newline) + 1
    if (end > start) {
      const bytes = block.subarray(start, end)
      yield { bytes, line, offset }
      line += countLines(bytes)
      offset += bytes.length
      start = end
    }
    if (start < block.length) {
      begun = [Buffer.from(block.subarray(start))]
      begunBytes = block.length - start
    }
  }
  if (begunBytes > 0) yield isLong ? { line, offset } : { bytes: Buffer.concat(begun, begunBytes), line, offset }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count++
  return count
}
