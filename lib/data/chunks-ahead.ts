import { AttuneError } from '../errors.js'

/** Rows tokenized in one go: enough to use the library's threads, few enough not to hold the event loop. */
export const rowsPerChunk = 64

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
 * Work on rows in chunks, in order and one chunk ahead: while the caller reads a chunk, the next is tokenized on the library's own
 * threads.
 * @throws AttuneError 'aborted', and what `work` throws
 */
export async function* chunksAhead<Result>(
  rows: number,
  { signal, onRows }: ChunkOptions,
  work: (start: number, end: number) => Promise<Result>,
): AsyncGenerator<Chunk<Result>, void, void> {
  const begin = (start: number): Promise<Result> | undefined => {
    if (start >= rows) return undefined
    const result = work(start, start + rowsPerChunk)
    // Heard when it is awaited; a chunk that the caller does not come to any more has nobody to tell.
    result.catch(() => undefined)
    return result
  }
  let next = begin(0)
  for (let start = 0; next !== undefined; start += rowsPerChunk) {
    if (signal?.aborted === true) {
      throw new AttuneError('aborted', 'encoding the dataset was aborted', { cause: signal.reason })
    }
    const result = await next
    next = begin(start + rowsPerChunk)
    yield { start, result }
    onRows?.(Math.min(rowsPerChunk, rows - start))
  }
}
