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

export interface PeekedBlocks {
  /** The first bytes. */
  readonly head: Buffer
  /** All blocks from the beginning on. */
  readonly blocks: AsyncGenerator<Buffer, void, void>
  /** Gives the source back where the blocks are not read: a generator that never began has no end either. */
  readonly close: () => Promise<void>
}

/** Looks at the first bytes, at least `count` where there are as many. */
export async function peeked(blocks: ByteBlocks, count: number): Promise<PeekedBlocks> {
  const source = blocks[Symbol.asyncIterator]()
  const begun: Buffer[] = []
  let length = 0
  let ended = false
  while (length < count && !ended) {
    const next = await source.next()
    if (next.done === true) ended = true
    else {
      begun.push(Buffer.from(next.value))
      length += next.value.length
    }
  }
  async function* all(): AsyncGenerator<Buffer, void, void> {
    try {
      yield* begun
      while (!ended) {
        const next = await source.next()
        if (next.done === true) ended = true
        else yield next.value
      }
    } finally {
      await close()
    }
  }
  async function close(): Promise<void> {
    await source.return?.()
  }
  return { head: Buffer.concat(begun, length), blocks: all(), close }
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
