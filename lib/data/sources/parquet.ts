import { open, type FileHandle } from 'node:fs/promises'

import { parquetMetadataAsync, parquetReadObjects, parquetSchema, type AsyncBuffer, type FileMetaData } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

import { AttuneError } from '../../errors.js'
import type { SourceItem } from './source-item.js'
import type { SourceOptions } from './source-options.js'

/**
 * The rows of a Parquet file, a group of rows at a time, named `file row N` (from 0). Whole numbers beyond what a number
 * holds exactly become texts, and times ISO texts.
 * @throws AttuneError 'invalid-file' where the file is cut short or broken, or packed in a way that cannot be read
 */
export async function* readParquet(
  file: string,
  { onColumns }: SourceOptions = {},
): AsyncGenerator<readonly SourceItem[], void, void> {
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const buffer = { byteLength: size, slice: (start: number, end = size) => bytesAt(handle, start, end) }
    const metadata = await metadataOf(buffer, file)
    checkCodecs(metadata, file)
    onColumns?.(
      parquetSchema(metadata).children.map(({ element }) => element.name),
      file,
    )
    let rowStart = 0
    for (const [group, { num_rows: count }] of metadata.row_groups.entries()) {
      const rowEnd = rowStart + Number(count)
      yield await rowsOfGroup(buffer, metadata, file, group, rowStart, rowEnd)
      rowStart = rowEnd
    }
  } finally {
    await handle.close()
  }
}

async function metadataOf(buffer: AsyncBuffer, file: string): Promise<FileMetaData> {
  const size = buffer.byteLength.toLocaleString('en-US')
  const mark = buffer.byteLength < 12 ? '' : Buffer.from(await buffer.slice(buffer.byteLength - 4)).toString('latin1')
  if (mark === 'PARE') throw broken(file, 'it is encrypted')
  if (mark !== 'PAR1') throw broken(file, `it does not end with PAR1 at byte ${size}: it is cut short`)
  try {
    return await parquetMetadataAsync(buffer)
  } catch (cause) {
    throw broken(file, `its description at the end cannot be read: ${messageOf(cause)}`, cause)
  }
}

function checkCodecs({ row_groups: groups }: FileMetaData, file: string): void {
  for (const [group, { columns }] of groups.entries()) {
    for (const { meta_data: column } of columns) {
      const codec = column?.codec ?? 'unknown'
      if (codec === 'UNCOMPRESSED' || Object.hasOwn(compressors, codec)) continue
      const name = column?.path_in_schema.join('.') ?? ''
      const known = Object.keys(compressors).join(', ')
      throw broken(
        file,
        `column ${name} in row group ${group} is compressed by ${codec}; what can be read is ${known}, and no compression`,
      )
    }
  }
}

async function rowsOfGroup(
  buffer: AsyncBuffer,
  metadata: FileMetaData,
  file: string,
  group: number,
  rowStart: number,
  rowEnd: number,
): Promise<SourceItem[]> {
  try {
    const rows = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd, compressors })
    if (rows.length !== rowEnd - rowStart) throw new Error(`${rows.length} of its rows are there`)
    return rows.map((row, index) => ({ origin: `${file} row ${rowStart + index}`, value: plain(row) }))
  } catch (cause) {
    throw broken(
      file,
      `rows ${rowStart} to ${rowEnd - 1} (row group ${group}) cannot be read: ${messageOf(cause)}`,
      cause,
    )
  }
}

/** A value as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (ArrayBuffer.isView(value)) {
    if (value instanceof Uint8Array || value instanceof DataView) return value
    return Array.from(value as unknown as ArrayLike<unknown>, plain)
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

async function bytesAt(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(end - start)
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) throw new Error(`there are no bytes from ${start + done} on`)
    done += bytesRead
  }
  return bytes.buffer
}

function broken(file: string, what: string, cause?: unknown): AttuneError {
  return new AttuneError('invalid-file', `cannot read the Parquet file ${file}: ${what}`, { where: file, cause })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
