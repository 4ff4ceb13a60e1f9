/** The files of a repository that are needed, as a folder: from the cache, and what is not there from the Hub. */
import { mkdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { AttuneError } from '../errors.js'
import {
  cachedCommit,
  isThere,
  linkBlob,
  noteCommit,
  repositoryFolder,
  snapshotFolder,
  type RepositoryFolder,
} from './cache-layout.js'
import { downloadBlob, writeError } from './download-blob.js'
import { ProgressMeter } from './download-progress.js'
import type { HubSettings } from './hub-options.js'
import {
  askCommit,
  askListing,
  etagOf,
  keptListing,
  pathsOfSnapshot,
  type ListedFile,
  type Listing,
} from './listing.js'
import { describeRepository, type Repository } from './repository.js'

/** What a choice of files can go by. */
export interface RepositoryFiles {
  /** Every file there is. */
  readonly paths: ReadonlySet<string>
  /** For errors: which repository this is. */
  readonly name: string
  /** The text of a file, fetched if need be. */
  readonly read: (path: string) => Promise<string>
}

/** Paths of the files that are needed. @throws AttuneError 'file-not-found' where one is missing in the repository */
export type FileChoice = (files: RepositoryFiles) => Promise<readonly string[]>

// Enough to fill a line with files that come from several machines, few enough for a disk.
const filesAtOnce = 4

/** The folder that holds the files chosen; of a repository that was fetched before, without asking for any of them again. */
export async function fetchSnapshot(
  repository: Repository,
  choose: FileChoice,
  settings: HubSettings,
): Promise<string> {
  const folder = repositoryFolder(settings.cache, repository)
  if (settings.offline) return cachedSnapshot(repository, choose, folder, offlineReason)
  let commit: string
  let listing: Listing
  try {
    commit = await askCommit(repository, settings)
    listing = await askListing(repository, commit, folder, settings)
  } catch (error) {
    if (!(error instanceof AttuneError) || error.code !== 'download-failed') throw writeError(error, folder.root)
    const copy = await cachedSnapshot(repository, choose, folder, error.message).catch(() => undefined)
    if (copy === undefined) throw error
    process.emitWarning(`${error.message} Going on with the copy in the cache, ${copy}.`, 'AttuneWarning')
    return copy
  }
  const fetching = new Fetching(repository, commit, folder, listing, settings)
  try {
    await fetching.fetch(await choose(fetching))
    await noteCommit(folder, repository.revision, commit)
  } catch (error) {
    throw writeError(error, folder.root)
  }
  return fetching.root
}

class Fetching implements RepositoryFiles {
  readonly root: string
  readonly paths: ReadonlySet<string>
  readonly name: string

  constructor(
    private readonly repository: Repository,
    private readonly commit: string,
    private readonly folder: RepositoryFolder,
    private readonly listing: Listing,
    private readonly settings: HubSettings,
  ) {
    this.root = snapshotFolder(folder, commit)
    this.paths = new Set(listing.keys())
    this.name = describeRepository(repository)
  }

  readonly read = async (path: string): Promise<string> => {
    await this.fetch([path])
    return readFile(join(this.root, path), 'utf8')
  }

  async fetch(paths: readonly string[]): Promise<void> {
    const missing: [path: string, file: ListedFile][] = []
    for (const path of new Set(paths)) {
      const file = this.listing.get(path)
      if (file === undefined) {
        throw new AttuneError('file-not-found', `The ${this.name} has no ${path}.`, { where: path })
      }
      if (!(await isThere(join(this.root, path), file.size))) missing.push([path, file])
    }
    if (missing.length === 0) return
    await this.#checkSpace(missing.map(([, file]) => file))
    const sizes = new Map(missing.map(([path, { size }]) => [path, size]))
    const meter = new ProgressMeter(this.repository, this.commit, sizes, this.settings.onProgress)
    // The largest first: they decide when all are there.
    const queue = missing.sort(([, a], [, b]) => b.size - a.size)
    const failure = new AbortController()
    const signals = [failure.signal, this.settings.signal].filter((signal) => signal !== undefined)
    const settings = { ...this.settings, signal: AbortSignal.any(signals) }
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [path, file] = next
        const { repository, commit, folder } = this
        const onBytes = (bytes: number): void => meter.at(path, bytes)
        const blob = await downloadBlob({ repository, commit, path, file, folder, settings, onBytes })
        await linkBlob(blob, join(this.root, path))
        meter.finish(path)
      }
    }
    // The first failure stops the others; they are waited for, so that no write goes on behind the caller's back.
    let first: { readonly error: unknown } | undefined
    const stop = (error: unknown): void => {
      first ??= { error }
      failure.abort(error)
    }
    await Promise.all(Array.from({ length: Math.min(filesAtOnce, queue.length) }, () => work().catch(stop)))
    if (first !== undefined) throw first.error
  }

  /** Before hours are spent on what does not fit. */
  async #checkSpace(files: readonly ListedFile[]): Promise<void> {
    const blobs = new Map(files.map((file) => [etagOf(file), file.size]))
    const needed = [...blobs.values()].reduce((sum, size) => sum + size, 0)
    await mkdir(this.settings.cache, { recursive: true })
    const disk = await statfs(this.settings.cache).catch(() => undefined)
    const free = disk === undefined ? Infinity : disk.bavail * disk.bsize
    if (needed <= free) return
    const message = `The ${this.name} needs ${gigabytes(needed)} more, but the disk of ${this.settings.cache} has ${gigabytes(free)} left: make room, or set HF_HOME to a folder on another disk.`
    throw new AttuneError('file-write-failed', message, { where: this.settings.cache })
  }
}

const offlineReason = 'Nothing is asked of the Hub (HF_HUB_OFFLINE or hub.offline is set).'

/** The snapshot as far as it is in the cache. @throws AttuneError 'not-cached' where it is not, or not wholly */
async function cachedSnapshot(
  repository: Repository,
  choose: FileChoice,
  folder: RepositoryFolder,
  reason: string,
): Promise<string> {
  const name = describeRepository(repository)
  const missing = (what: string, cause?: unknown): AttuneError =>
    new AttuneError(
      'not-cached',
      `${reason} The cache has no ${what} in ${folder.root}: fetch it once with a connection.`,
      {
        where: repository.id,
        cause,
      },
    )
  const commit = await cachedCommit(folder, repository.revision)
  if (commit === undefined) throw missing(`copy of the ${name}`)
  const root = snapshotFolder(folder, commit)
  const here = await pathsOfSnapshot(folder, commit)
  if (here.length === 0) throw missing(`copy of the ${name}`)
  const listing = await keptListing(folder, commit)
  const read = async (path: string): Promise<string> => {
    if (await isThere(join(root, path))) return readFile(join(root, path), 'utf8')
    throw missing(`${path} of the ${name}`)
  }
  let paths: readonly string[]
  try {
    paths = await choose({ paths: new Set(listing?.keys() ?? here), name, read })
  } catch (cause) {
    if (listing !== undefined || !(cause instanceof AttuneError) || cause.code !== 'file-not-found') throw cause
    throw missing(`whole copy of the ${name} (${cause.message})`, cause)
  }
  for (const path of paths) {
    if (!(await isThere(join(root, path), listing?.get(path)?.size))) throw missing(`${path} of the ${name}`)
  }
  return root
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 1)} GB`
}
