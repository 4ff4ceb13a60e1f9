import { setImmediate } from 'node:timers/promises'

import { AttuneError } from '../errors.js'

/** Rows tokenized in one go: enough to use the library's threads, few enough not to hold the event loop. */
export const rowsPerChunk = 64

/** Chunks begun before they are read: the library's threads have work while templates are rendered and tokens are read here. */
const chunksBegun = 4

export interface ChunkOptions {
  /** Stops the work between chunks of rows. Default: none. */
  readonly signal?: AbortSignal | undefined
  /** Called after each chunk with how many rows were in it. Default: none. */
  readonly onRows?: ((rows: number) => void) | undefined
}

export interface Chunk<Result> {
  /** Index of its first row. */
  readonly start: number
  readonly result: Result
}

/**
 * Work on rows in chunks, in order and some chunks ahead: while the caller reads a chunk, the next are tokenized on the library's
 * own threads.
 * @throws AttuneError 'aborted', and what `work` throws
 */
export async function* chunksAhead<Result>(
  rows: number,
  { signal, onRows }: ChunkOptions,
  work: (start: number, end: number) => Promise<Result>,
): AsyncGenerator<Chunk<Result>, void, void> {
  const begin = (start: number): Promise<Result> => {
    const result = work(start, start + rowsPerChunk)
    // Heard when it is awaited; a chunk that the caller does not come to any more has nobody to tell.
    result.catch(() => undefined)
    return result
  }
  const begun: Promise<Result>[] = []
  let asked = 0
  for (let start = 0; start < rows; start += rowsPerChunk) {
    for (; begun.length < chunksBegun && asked < rows; asked += rowsPerChunk) begun.push(begin(asked))
    if (signal?.aborted === true) {
      throw new AttuneError('aborted', 'encoding the dataset was aborted', { cause: signal.reason })
    }
    const result = await (begun.shift() as Promise<Result>)
    // Results that are there already come one after another without a turn of the event loop between them.
    await setImmediate()
    yield { start, result }
    onRows?.(Math.min(rowsPerChunk, rows - start))
  }
}
