/** What encoded examples follow from, as one digest: a store with another one is not theirs. */
import { createHash, type Hash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Task } from '../task.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { EventLoopTurns } from './event-loop-turns.js'

/** Goes up when the same rows and options become other examples than before, or other things are counted. */
export const encodingVersion = 4

export interface EncodedFrom {
  readonly task: Task
  readonly tokenizer: Pick<Tokenizer, 'fingerprint' | 'chatTemplate'>
  /** The encoder's options. What cannot be written as JSON (a signal) does not decide anything. */
  readonly options: object
  /** Digest of the rows, or of the files that they are read from. */
  readonly data: string
}

export function encodingKey({ task, tokenizer, options, data }: EncodedFrom): string {
  const { version } = createRequire(import.meta.url)('tokenizers/package.json') as { version: string }
  // Some templates write today's date.
  const day = tokenizer.chatTemplate?.source.includes('strftime_now') === true ? new Date().toDateString() : ''
  const parts = [encodingVersion, version, task, tokenizer.fingerprint, day, sorted(options), data]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** Digest of rows and where they come from; the event loop goes on meanwhile. */
export async function datasetDigest(dataset: Dataset): Promise<string> {
  const hash = createHash('sha256')
  const turns = new EventLoopTurns()
  for (let index = 0; index < dataset.length; index++) {
    addRow(hash, dataset.rows[index], dataset.origins[index])
    if (turns.isDue) await turns.next()
  }
  return hash.digest('hex')
}

function addRow(hash: Hash, row: unknown, origin: string | undefined): void {
  hash.update(JSON.stringify([origin, row])).update('\n')
}

/** Keys in one order, however the options were given. */
function sorted(options: object): [string, unknown][] {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && !(value instanceof AbortSignal) && typeof value !== 'function')
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
