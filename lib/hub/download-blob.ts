/**
 * Fetches one file's contents to `blobs/<etag>`. They gather in `<etag>.attune-<id>.incomplete`, a file of this process
 * alone, and take their name once they are whole and their hash is right. What a broken download leaves is gone on with.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AttuneError } from '../errors.js'
import { lockBlob, type BlobLock } from './blob-lock.js'
import { blobPath, isThere, type RepositoryFolder } from './cache-layout.js'
import { addFile, contentHash } from './content-hash.js'
import { networkError } from './hub-error.js'
import { attempts, delayBefore, hubFetch, pause, throwIfAborted } from './hub-fetch.js'
import type { HubSettings } from './hub-options.js'
import { etagOf, type ListedFile } from './listing.js'
import { describeRepository, type Repository } from './repository.js'

export interface BlobRequest {
  readonly repository: Repository
  readonly commit: string
  readonly path: string
  readonly file: ListedFile
  readonly folder: RepositoryFolder
  readonly settings: HubSettings
  /** Called with the bytes that are there by now. */
  readonly onBytes: (bytes: number) => void
}

/** @throws AttuneError 'download-failed', 'checksum-mismatch', 'access-denied', 'file-write-failed', 'aborted' */
export async function downloadBlob(request: BlobRequest): Promise<string> {
  const { file, folder, settings } = request
  const etag = etagOf(file)
  const blob = blobPath(folder, etag)
  const done = () => isThere(blob, file.size)
  if (await done()) return blob
  let lock: BlobLock | undefined
  try {
    await mkdir(dirname(blob), { recursive: true })
    lock = await lockBlob(join(folder.locks, `${etag}.attune.lock`), done, settings.signal)
    if (lock !== undefined && !(await done())) await downloadLocked(request, blob, lock.alone)
    return blob
  } catch (error) {
    throw writeError(error, blob)
  } finally {
    await lock?.release()
  }
}

async function downloadLocked(request: BlobRequest, blob: string, alone: boolean): Promise<void> {
  const partial = `${blob}.attune-${randomUUID().slice(0, 8)}.incomplete`
  if (alone) await adoptPartial(blob, partial)
  const kept = await sizeOf(partial)
  await fetchAll(request, partial)
  if (!(await isRight(request, partial))) {
    await rm(partial, { force: true })
    // What an earlier download left may have been wrong; what came in one piece just now is not tried again.
    if (kept > 0) await fetchAll(request, partial)
    if (kept === 0 || !(await isRight(request, partial))) {
      await rm(partial, { force: true })
      throw wrongContents(request)
    }
  }
  await rename(partial, blob)
  for (const other of await partialsOf(blob)) await rm(other, { force: true })
}

/** Makes the longest file that a broken download left this one's own. */
async function adoptPartial(blob: string, partial: string): Promise<void> {
  const left = await Promise.all((await partialsOf(blob)).map(async (path) => ({ path, size: await sizeOf(path) })))
  const [longest] = left.sort((a, b) => b.size - a.size)
  if (longest !== undefined && longest.size > 0) await rename(longest.path, partial).catch(() => undefined)
}

async function partialsOf(blob: string): Promise<string[]> {
  const names = await readdir(dirname(blob))
  const own = names.filter((name) => name.startsWith(`${basename(blob)}.attune-`) && name.endsWith('.incomplete'))
  return own.map((name) => join(dirname(blob), name))
}

/** Appends to the file until it is as long as it should be, asking again for the rest where the connection breaks. */
async function fetchAll(request: BlobRequest, partial: string): Promise<void> {
  const { repository, settings, file } = request
  if ((await sizeOf(partial)) > file.size) await rm(partial)
  const handle = await open(partial, 'a')
  try {
    let failures = 0
    for (;;) {
      const { size: start } = await handle.stat()
      if (start >= file.size) break
      try {
        await fetchRest(request, handle, start)
      } catch (error) {
        throwIfAborted(settings.signal)
        if (error instanceof AttuneError || isFileError(error)) throw error
        // A connection that brings something each time is slow, not broken.
        failures = (await handle.stat()).size > start ? 1 : failures + 1
        if (failures === attempts) throw networkError(error, repository, settings)
        await pause(delayBefore(failures + 1), settings.signal)
      }
    }
    await handle.sync()
  } finally {
    const { size } = await handle.stat()
    await handle.close()
    if (size === 0 && file.size > 0) await rm(partial, { force: true })
  }
}

async function fetchRest(
  { repository, commit, path, file, settings, onBytes }: BlobRequest,
  handle: FileHandle,
  start: number,
): Promise<void> {
  const { endpoint, stallTimeout } = settings
  const folder = repository.kind === 'dataset' ? 'datasets/' : ''
  const name = path.split('/').map(encodeURIComponent).join('/')
  const stalled = new AbortController()
  const patience = () => setTimeout(() => stalled.abort(new Error(`nothing came for ${stallTimeout} ms`)), stallTimeout)
  // A compressed answer could not be gone on with in its middle.
  const headers = { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) }
  const url = `${endpoint}/${folder}${repository.id}/resolve/${commit}/${name}`
  const response = await hubFetch(repository, settings)(url, { headers, signal: stalled.signal })
  if (response.body === null) throw new Error('an answer without a body')
  let at = start
  if (start > 0 && !goesOnAt(response, start)) {
    // The whole file comes instead.
    await handle.truncate(0)
    at = 0
  }
  let timer = patience()
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      await handle.writeFile(chunk)
      at += chunk.length
      onBytes(Math.min(at, file.size))
      // Too long is as wrong as any other difference: the hash will say so.
      if (at > file.size) return
      timer = patience()
    }
  } finally {
    clearTimeout(timer)
  }
  if (at < file.size) throw new Error(`the connection ended after ${at} of ${file.size} bytes`)
}

function goesOnAt({ status, headers }: Response, start: number): boolean {
  return status === 206 && headers.get('content-range')?.startsWith(`bytes ${start}-`) === true
}

async function isRight({ file }: BlobRequest, path: string): Promise<boolean> {
  const hash = contentHash(file)
  await addFile(hash, path)
  return hash.digest('hex') === etagOf(file)
}

function wrongContents({ repository, path, settings }: BlobRequest): AttuneError {
  const message = `What ${settings.endpoint} sent for ${path} of the ${describeRepository(repository)} is not what it says the file is (another hash or size): it was thrown away. Try again; where that does not help, a proxy or mirror between here and there changes it.`
  return new AttuneError('checksum-mismatch', message, { where: path })
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'syscall' in error &&
    ['write', 'open', 'ftruncate', 'fsync'].includes(String(error.syscall))
  )
}

/** What the file system refuses, in words. */
export function writeError(error: unknown, path: string): unknown {
  if (error instanceof AttuneError || !(error instanceof Error) || !('code' in error)) return error
  const advice = {
    ENOSPC: 'the disk is full: make room, or set HF_HOME to a folder on another one; what has come is kept',
    EDQUOT: 'your share of the disk is used up: make room, or set HF_HOME to a folder on another one',
    EACCES: 'it may not be written: set HF_HOME to a folder that may',
    EPERM: 'it may not be written: set HF_HOME to a folder that may',
    EROFS: 'the disk is read-only: set HF_HOME to a folder that may be written',
  }[String(error.code)]
  const message = `Cannot write to the cache at ${path}: ${advice ?? error.message}.`
  return new AttuneError('file-write-failed', message, { where: path, cause: error })
}
