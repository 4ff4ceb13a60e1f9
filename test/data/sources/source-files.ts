/** Files for the tests of sources, and what comes out of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll } from 'vitest'

import { AttuneError } from '../../../lib/errors.js'
import { readSource } from '../../../lib/data/sources/read-source.js'
import type { SourceItem } from '../../../lib/data/sources/source-item.js'
import type { SourceFile, SourceOptions } from '../../../lib/data/sources/source-options.js'

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'attune-sources-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function fileIn(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** The bytes in pieces of the given size. */
export function inPieces(bytes: Uint8Array, size: number): () => AsyncIterable<Uint8Array> {
  return async function* () {
    for (let start = 0; start < bytes.length; start += size)
      yield await Promise.resolve(bytes.slice(start, start + size))
  }
}

export async function itemsOf(file: SourceFile | string, options: SourceOptions = {}): Promise<SourceItem[]> {
  const items: SourceItem[] = []
  for await (const chunk of readSource(typeof file === 'string' ? { path: file } : file, options)) items.push(...chunk)
  return items
}

export async function valuesOf(file: SourceFile | string, options: SourceOptions = {}): Promise<unknown[]> {
  return (await itemsOf(file, options)).map((item) => {
    if (item.code !== undefined) throw new Error(`${item.origin}: ${item.what}`)
    return item.value
  })
}

export async function errorOf(promise: Promise<unknown>): Promise<AttuneError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof AttuneError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
