import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

import { Decompress as ZstdDecoder } from 'fzstd'
import xzDecompress from 'xz-decompress'

import { AttuneError } from '../../errors.js'
import type { ByteBlocks } from './byte-blocks.js'

export type Compression = 'gzip' | 'zstd' | 'xz'

interface Codec {
  readonly magic: readonly number[]
  readonly extensions: readonly string[]
  readonly decode: (pieces: Pieces) => AsyncIterable<Uint8Array>
}

const codecs: Readonly<Record<Compression, Codec>> = {
  gzip: { magic: [0x1f, 0x8b], extensions: ['.gz', '.gzip', '.tgz'], decode: gunzipped },
  zstd: { magic: [0x28, 0xb5, 0x2f, 0xfd], extensions: ['.zst', '.zstd'], decode: unzstd },
  xz: { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], extensions: ['.xz', '.txz'], decode: unxz },
}

// A small piece may hold much text, all of which is in memory at once.
const pieceBytes = 16 * 1024

/** How a file is compressed, by its first bytes; its name may lie. */
export function compressionOf(head: Buffer): Compression | undefined {
  const names = Object.keys(codecs) as Compression[]
  return names.find((name) => codecs[name].magic.every((byte, at) => head[at] === byte))
}

/** A path without the extension that says it is compressed. */
export function withoutCompression(path: string): string {
  const { extensions } = { extensions: Object.values(codecs).flatMap((codec) => codec.extensions) }
  const found = extensions.find((extension) => path.toLowerCase().endsWith(extension))
  if (found === undefined) return path
  const stem = path.slice(0, -found.length)
  return found === '.tgz' || found === '.txz' ? `${stem}.tar` : stem
}

/** @throws AttuneError 'invalid-file' where the archive is cut short or its bytes are wrong, naming file and byte */
export async function* decompressed(
  blocks: ByteBlocks,
  compression: Compression,
  file: string,
): AsyncGenerator<Buffer, void, void> {
  const pieces = new Pieces(blocks)
  try {
    for await (const bytes of codecs[compression].decode(pieces)) {
      if (bytes.length > 0) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    throw broken(cause, compression, file, pieces)
  }
}

/** The compressed bytes, in small pieces and counted. */
class Pieces implements AsyncIterable<Buffer> {
  readonly #blocks: ByteBlocks
  /** How many bytes have been handed out. */
  count = 0
  isAtEnd = false
  /** How many the decoder has surely dealt with. */
  done = 0

  constructor(blocks: ByteBlocks) {
    this.#blocks = blocks
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    for await (const block of this.#blocks) {
      for (let start = 0; start < block.length; start += pieceBytes) {
        const piece = Buffer.from(block.subarray(start, start + pieceBytes))
        this.count += piece.length
        yield piece
      }
    }
    this.isAtEnd = true
  }
}

async function* gunzipped(pieces: Pieces): AsyncGenerator<Uint8Array, void, void> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  const source = Readable.from(pieces, { objectMode: false, highWaterMark: pieceBytes })
  source.once('error', (error) => gunzip.destroy(error))
  source.pipe(gunzip)
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
    const rest = pieces.count - gunzip.bytesWritten
    if (rest > 0) throw new Error(`${rest} bytes after its end are no gzip`)
  } catch (error) {
    pieces.done = gunzip.bytesWritten
    throw error
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

async function* unzstd(pieces: Pieces): AsyncGenerator<Uint8Array, void, void> {
  let out: Uint8Array[] = []
  const decoder = new ZstdDecoder((bytes) => out.push(bytes))
  for await (const piece of pieces) {
    decoder.push(piece)
    pieces.done = pieces.count
    yield* out
    out = []
  }
  decoder.push(new Uint8Array(0), true)
  yield* out
}

async function* unxz(pieces: Pieces): AsyncGenerator<Uint8Array, void, void> {
  const compressed = Readable.toWeb(Readable.from(pieces, { objectMode: false }))
  const reader = new xzDecompress.XzReadableStream(compressed).getReader()
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

// zlib's words, fzstd's, and what the xz library says when it can go no further.
const endsEarly = /unexpected end of file|unexpected eof|error code 8$/i

function broken(cause: unknown, compression: Compression, file: string, pieces: Pieces): AttuneError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const number = (value: number): string => value.toLocaleString('en-US')
  const isShort = pieces.isAtEnd && endsEarly.test(reason)
  const message = isShort
    ? `${file}: the ${compression} archive is cut short: its ${number(pieces.count)} bytes end too early`
    : `${file}: the ${compression} archive is broken between bytes ${number(pieces.done)} and ${number(pieces.count)}: ${reason}`
  return new AttuneError('invalid-file', message, { where: file, cause })
}
