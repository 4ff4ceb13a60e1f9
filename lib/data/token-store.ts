/**
 * Encoded examples in a file that is read through a memory map: a header, pages of examples, where each page begins, what was counted
 * when they were encoded (JSON). A file is written beside its name and renamed when it is whole; a checksum covers all of it.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { endianness } from 'node:os'
import { dirname } from 'node:path'
import { AttuneError } from '../errors.js'
import { native } from '../native.js'
import { codecVersion, type StoredExample } from './example-codec.js'
import { examplesPerPage, PageBuilder, pagedExamples } from './example-pages.js'
import type { EncodedTask } from './encoded-task.js'
import { EventLoopTurns } from './event-loop-turns.js'
import type { LengthCounts } from './length-counts.js'
import type { ExampleList } from './example-list.js'

/** What was counted when the examples were encoded. */
export type TokenSummary = Pick<EncodedTask, 'tokens' | 'targets' | 'findings'> & LengthCounts

/** A store that was read and checked. Its examples are views of the file: the memory is the system's, given back under pressure. */
export interface TokenStore {
  readonly path: string
  readonly examples: ExampleList<StoredExample>
  readonly summary: TokenSummary
}

const magic = Buffer.from('attuntok', 'latin1')
/** Raised when the header, the pages or the records change. */
const storeVersion = 1_000 + codecVersion
const headerBytes = 112
const bytesChecked = 1 << 22
// Pages are in the machine's own byte order, and so is the version: on a machine with another one it is another version.
const littleEndian = endianness() === 'LE'

/** Where things stand in the header, in bytes. */
const places = {
  version: 8,
  perPage: 12,
  examples: 16,
  words: 24,
  pages: 32,
  summary: 40,
  key: 48,
  checksum: 80,
} as const

/** Writes a store as examples come: in memory is one page of them. */
export class TokenStoreWriter {
  readonly #path: string
  readonly #partial: string
  readonly #key: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  readonly #builder = new PageBuilder()
  readonly #pageStarts: number[] = []
  #words = 0
  #examples = 0

  private constructor(path: string, key: string, partial: string, file: FileHandle) {
    this.#path = path
    this.#key = key
    this.#partial = partial
    this.#file = file
  }

  /**
   * @param key what the examples follow from, as 64 hexadecimal digits
   * @throws AttuneError 'file-write-failed'
   */
  static async create(path: string, key: string): Promise<TokenStoreWriter> {
    return writing(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      const partial = `${path}.${randomUUID()}.partial`
      const file = await open(partial, 'wx')
      await file.write(new Uint8Array(headerBytes))
      return new TokenStoreWriter(path, key, partial, file)
    })
  }

  get length(): number {
    return this.#examples
  }

  async add(examples: Iterable<StoredExample>): Promise<void> {
    for (const example of examples) {
      this.#examples++
      const page = this.#builder.add(example)
      if (page !== undefined) await this.#writePage(page)
    }
  }

  /** Puts the file in its place. */
  async finish(summary: TokenSummary): Promise<void> {
    const last = this.#builder.finish()
    if (last !== undefined) await this.#writePage(last)
    await writing(this.#path, async () => {
      if (this.#words % 2 === 1) await this.#append(new Uint8Array(4))
      await this.#append(bytesOf(Float64Array.from(this.#pageStarts)))
      const json = Buffer.from(JSON.stringify(summary), 'utf8')
      await this.#append(json)
      const header = headerOf({
        examples: this.#examples,
        words: this.#words,
        pages: this.#pageStarts.length,
        summary: json.length,
        key: this.#key,
      })
      this.#hash.update(header.subarray(0, places.checksum)).digest().copy(header, places.checksum)
      await this.#file.write(header, 0, headerBytes, 0)
      await this.#file.sync()
      await this.#file.close()
      await rename(this.#partial, this.#path)
    })
  }

  /** Leaves no trace of a store that will not be finished. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await rm(this.#partial, { force: true })
  }

  async #writePage(page: Int32Array): Promise<void> {
    this.#pageStarts.push(this.#words)
    this.#words += page.length
    await writing(this.#path, () => this.#append(bytesOf(page)))
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    await this.#file.writeFile(bytes)
  }
}

/**
 * Opens a store, once its checksum was found right.
 * @returns a sentence saying what is wrong with the file, undefined where there is none
 */
export async function openTokenStore(path: string, key: string): Promise<TokenStore | string | undefined> {
  let buffer: ArrayBuffer
  try {
    buffer = native().mapFile(path)
  } catch (error) {
    if (error instanceof AttuneError && error.code === 'file-not-found') {
      return (await isThere(path)) ? 'it cannot be read' : undefined
    }
    throw error
  }
  if (buffer.byteLength < headerBytes) return 'it is too short to be a token store'
  const header = Buffer.from(buffer, 0, headerBytes)
  if (!header.subarray(0, magic.length).equals(magic)) return 'it is no token store'
  const view = new DataView(buffer, 0, headerBytes)
  if (view.getInt32(places.version, littleEndian) !== storeVersion) return 'another version of attune wrote it'
  if (view.getInt32(places.perPage, true) !== examplesPerPage) return 'its pages have another size'
  if (header.toString('hex', places.key, places.checksum) !== key) return 'it holds other data or other options'
  const [length, words, pages, summaryBytes] = [places.examples, places.words, places.pages, places.summary].map((at) =>
    view.getFloat64(at, true),
  ) as [number, number, number, number]
  const tableStart = headerBytes + 4 * (words + (words % 2))
  const summaryStart = tableStart + 8 * pages
  if (buffer.byteLength !== summaryStart + summaryBytes) return 'it is not as long as it should be'
  const hash = createHash('sha256')
  await hashed(hash, buffer, headerBytes)
  const checksum = hash.update(header.subarray(0, places.checksum)).digest()
  if (!checksum.equals(header.subarray(places.checksum, places.checksum + checksum.length))) return 'it is damaged'
  const starts = new Float64Array(buffer, tableStart, pages)
  const pageAt = (page: number): Int32Array | undefined => {
    const start = starts[page]
    const end = starts[page + 1] ?? words
    return start === undefined ? undefined : new Int32Array(buffer, headerBytes + 4 * start, end - start)
  }
  const summary = JSON.parse(Buffer.from(buffer, summaryStart, summaryBytes).toString('utf8')) as TokenSummary
  return { path, examples: pagedExamples(length, pageAt), summary }
}

interface Header {
  readonly examples: number
  readonly words: number
  readonly pages: number
  readonly summary: number
  readonly key: string
}

function headerOf({ key, ...counts }: Header): Buffer {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  if (littleEndian) header.writeInt32LE(storeVersion, places.version)
  else header.writeInt32BE(storeVersion, places.version)
  header.writeInt32LE(examplesPerPage, places.perPage)
  for (const name of ['examples', 'words', 'pages', 'summary'] as const) {
    header.writeDoubleLE(counts[name], places[name])
  }
  header.write(key, places.key, 'hex')
  return header
}

async function hashed(hash: Hash, buffer: ArrayBuffer, start: number): Promise<void> {
  const turns = new EventLoopTurns()
  for (let at = start; at < buffer.byteLength; at += bytesChecked) {
    hash.update(new Uint8Array(buffer, at, Math.min(bytesChecked, buffer.byteLength - at)))
    if (turns.isDue) await turns.next()
  }
}

function bytesOf(values: Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

async function isThere(path: string): Promise<boolean> {
  return open(path).then(
    async (file) => {
      await file.close()
      return true
    },
    (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
  )
}

async function writing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AttuneError('file-write-failed', `cannot write the token store ${path}: ${reason}`, {
      where: path,
      cause,
    })
  }
}
