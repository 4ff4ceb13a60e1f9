import { readFile } from 'node:fs/promises'

import { AttuneError } from '../errors.js'
import { Dataset } from './dataset.js'
import { readJsonLines } from './jsonl.js'
import { RowReader } from './row-reader.js'
import type { ShapeName } from './shapes.js'

export interface LoadDatasetOptions {
  /** What the rows are. Default: as the first row shows. */
  readonly shape?: ShapeName | undefined
}

/**
 * Reads a dataset from one or several JSON Lines files, in the order given. Each row has `prompt` and `completion`,
 * or `messages` (and `tools`), or `text`; all rows have the same. Other fields are ignored.
 * @throws AttuneError 'file-not-found', 'empty-dataset' (a file without rows), 'invalid-json', 'invalid-dataset'
 * (missing or wrong fields, mixed shapes, no UTF-8), each naming `file:line`, up to ten lines in one error
 */
export async function loadDataset(
  path: string | readonly string[],
  options: LoadDatasetOptions = {},
): Promise<Dataset> {
  const files = typeof path === 'string' ? [path] : path
  if (files.length === 0) throw new AttuneError('empty-dataset', 'there are no files to read', { where: 'path' })
  const reader = new RowReader(options.shape)
  const empty: string[] = []
  for (const file of files) {
    const before = reader.seen
    readJsonLines(await readBytes(file), file, reader)
    if (reader.seen === before) empty.push(file)
  }
  reader.throwIfBad()
  if (empty.length > 0) {
    throw new AttuneError('empty-dataset', `no rows in ${empty.join(', ')}`, { where: empty[0] ?? '' })
  }
  return Dataset.fromReader(reader)
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT') {
      throw new AttuneError('file-not-found', `dataset ${file} does not exist`, { where: file, cause })
    }
    const reason = code === 'EISDIR' ? 'it is a directory; name the files in it' : String(cause)
    throw new AttuneError('invalid-file', `cannot read dataset ${file}: ${reason}`, { where: file, cause })
  }
}
