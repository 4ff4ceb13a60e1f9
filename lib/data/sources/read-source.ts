import { stat } from 'node:fs/promises'

import { AttuneError } from '../../errors.js'
import { type ByteBlocks, blocksOfFile, blocksOfStream, peeked } from './byte-blocks.js'
import { asUtf8 } from './byte-order.js'
import { compressionOf, decompressed } from './decompress.js'
import { readDelimited } from './delimited.js'
import { formatOfHead, formatOfName } from './file-format.js'
import { readJson } from './json-list.js'
import { readJsonLines } from './json-lines.js'
import { numericColumns, withLikelyNumbers, withNumbers } from './numeric-columns.js'
import type { SourceItem } from './source-item.js'
import { sourceFormats, type SourceFile, type SourceFormat, type SourceOptions } from './source-options.js'
import { readTar } from './tar.js'
import { readText } from './text.js'

// An archive's mark stands at byte 257.
const headBytes = 512

/**
 * The rows of a file in chunks, a small part of the file in memory at a time, whatever its format and compression.
 * What cannot be read as a row is an item that says why.
 * @throws AttuneError where the file as a whole cannot be read: 'file-not-found', 'invalid-file', 'invalid-json', 'invalid-dataset'
 */
export async function* readSource(
  file: SourceFile,
  options: SourceOptions = {},
): AsyncGenerator<readonly SourceItem[], void, void> {
  checkFormat(options.format)
  const numeric = options.numeric ?? []
  if (numeric.length === 0 || !(await canBeReadTwice(file))) {
    yield* readOnce(file, options, 'likely')
    return
  }
  // Whether a column is of numbers shows only at its end; a column of names shows it at its beginning.
  const found = await numericColumns(readOnce(file, { ...options, onColumns: undefined }, 'unknown'), numeric)
  yield* readOnce(file, { ...options, numeric: found }, 'known')
}

/** Of the columns that may be numbers: 'unknown': only they are asked for; 'known': they are; 'likely': if the first are. */
type Numbers = 'unknown' | 'known' | 'likely'

function readOnce(
  file: SourceFile,
  options: SourceOptions,
  numbers: Numbers,
): AsyncGenerator<readonly SourceItem[], void, void> {
  return readBlocks(bytesOf(file), file.open === undefined ? file.path : undefined, nameOf(file), options, numbers)
}

/** `path` is that of the very file the bytes come from, where they come from one. */
async function* readBlocks(
  bytes: ByteBlocks,
  path: string | undefined,
  name: string,
  options: SourceOptions,
  numbers: Numbers,
): AsyncGenerator<readonly SourceItem[], void, void> {
  const source = await peeked(bytes, headBytes)
  const compression = compressionOf(source.head)
  const { head, blocks } =
    compression === undefined ? source : await peeked(decompressed(source.blocks, compression, name), headBytes)
  try {
    const format = options.format ?? formatOf(head, name)
    const isDelimited = format === 'csv' || format === 'tsv'
    if (numbers === 'unknown' && !isDelimited) return
    if (format === 'parquet') {
      // With the first such file: it takes longer to load than what reads all other formats.
      const { readParquet } = await import('./parquet.js')
      yield* readParquet(randomAccess(compression === undefined ? path : undefined, name), options)
    } else if (format === 'tar') {
      yield* readTar(blocks, name, { ...options, format: undefined }, readMember)
    } else {
      const rows = rowsOf(format, asUtf8(blocks, head, name, options.encoding), name, options)
      if (!isDelimited || numbers === 'unknown') yield* rows
      else yield* (numbers === 'known' ? withNumbers : withLikelyNumbers)(rows, options.numeric ?? [])
    }
  } finally {
    await blocks.return()
  }
}

function readMember(
  bytes: ByteBlocks,
  name: string,
  options: SourceOptions,
): AsyncGenerator<readonly SourceItem[], void, void> {
  // What has no extension that says otherwise is text.
  const format = formatOfName(name) ?? 'text'
  return readBlocks(bytes, undefined, name, { ...options, format }, 'likely')
}

function rowsOf(
  format: SourceFormat,
  text: ByteBlocks,
  name: string,
  options: SourceOptions,
): AsyncGenerator<readonly SourceItem[], void, void> {
  if (format === 'csv' || format === 'tsv') return readDelimited(text, name, { ...options, format })
  if (format === 'text') return readText(text, name, options)
  return named(format === 'json' ? readJson(text, name, options) : readJsonLines(text, name, options), options)
}

/** A Parquet file is read from its end. */
function randomAccess(path: string | undefined, name: string): string {
  if (path !== undefined && path !== '-') return path
  const what = `${name}: Parquet cannot be read from a pipe or an archive; save it as a file of its own`
  throw new AttuneError('invalid-file', what, { where: name })
}

function bytesOf(file: SourceFile): ByteBlocks {
  if (file.open !== undefined) return blocksOfStream(file.open(), nameOf(file))
  return file.path === '-' ? blocksOfStream(process.stdin, 'stdin') : blocksOfFile(file.path)
}

function nameOf({ path, name }: SourceFile): string {
  return name ?? (path === '-' ? 'stdin' : path)
}

async function canBeReadTwice({ path, open }: SourceFile): Promise<boolean> {
  if (open !== undefined || path === '-') return false
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true
}

/** What is in the file, else its extension, else how its text begins. */
function formatOf(head: Buffer, name: string): SourceFormat {
  const looks = formatOfHead(head)
  if (looks === 'parquet' || looks === 'tar') return looks
  const known = formatOfName(name) ?? (looks === 'empty' ? 'text' : looks)
  if (known !== undefined) return known
  const what = `${name}: cannot tell how the file is written; name it in options.format ('csv', 'tsv', 'text', …)`
  throw new AttuneError('invalid-dataset', what, { where: name })
}

function checkFormat(format: string | undefined): void {
  if (format === undefined || sourceFormats.some((name) => name === format)) return
  const list = sourceFormats.map((name) => `'${name}'`).join(', ')
  throw new AttuneError('invalid-option', `options.format should be one of ${list}, received '${format}'`, {
    where: 'options.format',
  })
}

/** Rows that are lists, as objects with the names of the columns. */
async function* named(
  items: AsyncIterable<readonly SourceItem[]>,
  { columns }: SourceOptions,
): AsyncGenerator<readonly SourceItem[], void, void> {
  for await (const chunk of items) {
    yield columns === undefined ? chunk : chunk.map((item) => withNames(item, columns))
  }
}

function withNames(item: SourceItem, columns: readonly string[]): SourceItem {
  if (item.code !== undefined || !Array.isArray(item.value)) return item
  const { origin, value } = item
  if (value.length === columns.length) {
    return { origin, value: Object.fromEntries(columns.map((name, at) => [name, value[at] as unknown])) }
  }
  const what = `expected a list of ${columns.length} (${columns.join(', ')}), received ${value.length}`
  return { origin, code: 'invalid-dataset', what }
}
