import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { StreamedRow } from '../data/row-stream.js'

/** Where in a stream the next step of a run begins. */
export const streamPosition = z.strictObject({
  /** The pass over the rows, from 0. */
  epoch: z.int().min(0),
  /** Rows of the pass, in the order they were drawn, whose examples are all used up. */
  rows: z.int().min(0),
  /** Examples of the rows after these that are used up. */
  examples: z.int().min(0),
  /** Of all that was drawn of the pass so far: a stream of other rows cannot go on from here. */
  digest: z.string(),
})
export type StreamPosition = z.output<typeof streamPosition>

export const noRows = ''

/** The digest of rows after others. */
export function digestAfter(before: string, rows: readonly StreamedRow[]): string {
  const hash = createHash('sha256').update(before)
  for (const { row } of rows) hash.update(JSON.stringify(row)).update('\n')
  return hash.digest('hex')
}
