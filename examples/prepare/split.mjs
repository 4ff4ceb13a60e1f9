// Parts that stay the same however often, and on whatever machine, they are made.
import { createHash } from 'node:crypto'

/**
 * Rows by ten shares of the hashes of what `textOf` gives: { 7: 'validation', 8: 'test', 9: 'test' } for example; all other
 * shares are for training. Rows of equal texts share a part, so that no test row was trained on.
 */
export function splitByHash(rows, textOf, parts) {
  const split = { train: [], validation: [], test: [] }
  for (const row of rows) split[parts[shareOf(textOf(row))] ?? 'train'].push(row)
  return split
}

function shareOf(text) {
  return createHash('sha256').update(text).digest().readUInt32LE(0) % 10
}
