import type { RandomStream } from './random.js'

export interface ShuffleOptions {
  /** How many rows wait in the buffer; 0: rows come in their own order. */
  readonly buffer: number
  readonly random: RandomStream
  /** Rows of a chunk; the last one may have fewer. */
  readonly chunkRows: number
}

/**
 * The rows in an order that is random as far as the buffer reaches: once it is full, each row that comes takes the place of one
 * drawn from it. The order follows from the rows and the random numbers alone, not from the chunks they come in. What was
 * drawn before an error is given before it.
 */
export async function* shuffled<Row>(
  source: AsyncIterable<readonly Row[]>,
  { buffer, random, chunkRows }: ShuffleOptions,
): AsyncGenerator<readonly Row[], void, void> {
  const held: Row[] = []
  let drawn: Row[] = []
  try {
    for await (const rows of source) {
      for (const row of rows) {
        if (held.length < buffer) {
          held.push(row)
          continue
        }
        const at = buffer === 0 ? -1 : random.nextBelow(buffer)
        drawn.push(held[at] ?? row)
        if (at >= 0) held[at] = row
        if (drawn.length < chunkRows) continue
        yield drawn
        drawn = []
      }
    }
  } catch (error) {
    if (drawn.length > 0) yield drawn
    throw error
  }
  random.shuffle(held)
  const rest = [...drawn, ...held]
  for (let start = 0; start < rest.length; start += chunkRows) yield rest.slice(start, start + chunkRows)
}
