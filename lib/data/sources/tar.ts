import { Readable } from 'node:stream'

import { createTarDecoder, type ParsedTarEntry } from 'modern-tar'

import { AttuneError } from '../../errors.js'
import { blocksOfStream, type ByteBlocks } from './byte-blocks.js'
import { formatOfName } from './file-format.js'
import type { SourceItem } from './source-item.js'
import type { SourceOptions } from './source-options.js'

/** How one file of an archive is read. */
export type ReadMember = (
  blocks: ByteBlocks,
  path: string,
  options: SourceOptions,
) => AsyncIterable<readonly SourceItem[]>

/**
 * The files of an archive, one after the other: data files as their extension says, others as text, a row `{ file, text }`
 * each unless `textRows` says otherwise. Rows are named `archive/path`.
 * @throws AttuneError 'invalid-file' where the archive is broken or cut short
 */
export async function* readTar(
  blocks: ByteBlocks,
  file: string,
  options: SourceOptions,
  readMember: ReadMember,
): AsyncGenerator<readonly SourceItem[], void, void> {
  const source = Readable.toWeb(Readable.from(copied(blocks)))
  const entries = source.pipeThrough(createTarDecoder({ strict: true }) as never).getReader() as Reader
  let last = ''
  try {
    for (;;) {
      const { value: entry, done } = await entries.read()
      if (done) return
      const { name, type = 'file' } = entry.header
      last = name
      if (type === 'file') yield* rowsOfMember(entry, `${file}/${name}`, options, readMember)
      else {
        await entry.body.cancel()
        const origin = `${file}/${name}`
        if (type !== 'directory') yield [{ origin, code: 'invalid-dataset', what: `it is no file but a ${type}` }]
      }
    }
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    const after = last === '' ? 'at its beginning' : `at or after ${last}`
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AttuneError('invalid-file', `${file}: the archive is broken or cut short ${after}: ${reason}`, {
      where: file,
      cause,
    })
  } finally {
    await entries.cancel().catch(() => undefined)
  }
}

type Reader = ReadableStreamDefaultReader<ParsedTarEntry>

async function* rowsOfMember(
  { header, body }: ParsedTarEntry,
  path: string,
  options: SourceOptions,
  readMember: ReadMember,
): AsyncGenerator<readonly SourceItem[], void, void> {
  const bytes = blocksOfStream(body, path)
  const format = formatOfName(header.name)
  const isPlain = format === undefined || format === 'text'
  for await (const items of readMember(bytes, path, { ...options, textRows: options.textRows ?? 'file' })) {
    yield items.map((item) =>
      isPlain && isText(item) ? { ...item, value: { file: header.name, ...item.value } } : item,
    )
  }
}

function isText(item: SourceItem): item is SourceItem & { readonly value: object } {
  return item.code === undefined && typeof item.value === 'object' && item.value !== null
}

/** The archive's reader may keep what it is given. */
async function* copied(blocks: ByteBlocks): AsyncGenerator<Buffer, void, void> {
  for await (const block of blocks) yield Buffer.from(block)
}
