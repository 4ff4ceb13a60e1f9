/** The bytes of a file in large blocks, two at a time in memory. */
import { open, stat, type FileHandle } from 'node:fs/promises'

import { AttuneError } from '../../errors.js'

/** Each block stays as it is only until the next one is asked for. */
export type ByteBlocks = AsyncIterable<Buffer, unknown, void>

// Few enough calls that their cost vanishes, small enough for the processor's cache.
const blockBytes = 512 * 1024

export async function* blocksOfFile(path: string): AsyncGenerator<Buffer, void, void> {
  const { handle, isFile } = await opened(path)
  const buffers = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)] as const
  let turn: 0 | 1 = 0
  const read = (): Promise<{ bytesRead: number }> => handle.read(buffers[turn], 0, blockBytes, null)
  // A pipe may have nothing more to say for long: it is asked only when its bytes are wanted.
  let ahead = isFile ? read() : undefined
  try {
    for (;;) {
      const { bytesRead } = await (ahead ?? read())
      if (bytesRead === 0) return
      const block = buffers[turn].subarray(0, bytesRead)
      turn = turn === 0 ? 1 : 0
      if (isFile) ahead = read()
      yield block
    }
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    await ahead?.catch(() => undefined)
    await handle.close()
  }
}

export async function* blocksOfStream(
  stream: AsyncIterable<Uint8Array | string>,
  name: string,
): AsyncGenerator<Buffer, void, void> {
  try {
    for await (const chunk of stream) {
      yield typeof chunk === 'string'
        ? Buffer.from(chunk)
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    }
  } catch (cause) {
    throw unreadable(name, cause)
  }
}

/** Blocks of which the first have been looked at. */
export interface PeekedBlocks {
  /** At least as many bytes as were asked for, where there are as many. */
  readonly head: Buffer
  /** All blocks from the beginning on. `return` closes the file, also where nothing was read. */
  readonly blocks: AsyncIterableIterator<Buffer, void, void> & {
    readonly return: () => Promise<IteratorResult<Buffer, void>>
  }
}

export async function peeked(source: ByteBlocks, count: number): Promise<PeekedBlocks> {
  const iterator = source[Symbol.asyncIterator]()
  const begun: Buffer[] = []
  let length = 0
  let isEnded = false
  const next = async (): Promise<Buffer | undefined> => {
    const result = isEnded ? undefined : await iterator.next()
    if (result !== undefined && result.done !== true) return result.value
    isEnded = true
    return undefined
  }
  while (length < count) {
    const block = await next()
    if (block === undefined) break
    begun.push(Buffer.from(block))
    length += block.length
  }
  const head = Buffer.concat(begun, length)
  const result = (value: Buffer | undefined): IteratorResult<Buffer, void> =>
    value === undefined ? { done: true, value: undefined } : { done: false, value }
  return {
    head,
    blocks: {
      next: async () => result(begun.shift() ?? (await next())),
      // By hand: a generator that was never asked for anything closes nothing.
      return: async () => {
        isEnded = true
        begun.length = 0
        await iterator.return?.()
        return result(undefined)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}

async function opened(path: string): Promise<{ handle: FileHandle; isFile: boolean }> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) {
      throw new AttuneError('invalid-file', `cannot read dataset ${path}: it is a directory`, { where: path })
    }
    return { handle: await open(path), isFile: found.isFile() }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): AttuneError {
  if (cause instanceof AttuneError) return cause
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return new AttuneError('file-not-found', `dataset ${path} does not exist`, { where: path, cause })
  }
  return new AttuneError('invalid-file', `cannot read dataset ${path}: ${String(cause)}`, { where: path, cause })
}
