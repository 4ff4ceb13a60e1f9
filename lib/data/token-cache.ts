/** Token stores in a directory: what was encoded before is read, all else is encoded and kept for the next time. */
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, basename, join } from 'node:path'
import { AttuneError } from '../errors.js'
import { openTokenStore, TokenStoreWriter, type TokenStore, type TokenSummary } from './token-store.js'

export interface CachedTokens extends TokenStore {
  /** What was wrong with the file that was there. */
  readonly problem: string | undefined
  /** Whether the examples were there already. */
  readonly found: boolean
}

// A writer that is still at work after so long is not: its process was ended.
const abandonedAfter = 24 * 3600 * 1000

/**
 * The examples of a key, encoded only where the directory does not have them.
 * @param encode hands the examples to the writer
 * @throws AttuneError 'file-write-failed', and what `encode` throws
 */
export async function cachedTokens(
  directory: string,
  key: string,
  encode: (writer: TokenStoreWriter) => Promise<TokenSummary>,
): Promise<CachedTokens> {
  const path = join(directory, `${key.slice(0, 32)}.tokens`)
  const there = await openTokenStore(path, key)
  if (typeof there === 'object') return { ...there, problem: undefined, found: true }
  await removeAbandoned(path)
  const writer = await TokenStoreWriter.create(path, key)
  try {
    await writer.finish(await encode(writer))
  } catch (error) {
    await writer.discard()
    throw error
  }
  const written = await openTokenStore(path, key)
  if (typeof written === 'object') return { ...written, problem: there, found: false }
  const message = `the token store ${path} was just written, and ${written ?? 'it is gone'}`
  throw new AttuneError('file-write-failed', message, { where: path })
}

async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.partial')) continue
    const partial = join(folder, name)
    const age = await stat(partial).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > abandonedAfter) await rm(partial, { force: true })
  }
}
