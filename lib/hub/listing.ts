/** The files that a commit has. A commit never changes, so they are asked for once and kept, in the form of huggingface_hub. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { allowReadOnly, snapshotFolder, writeWhole, type RepositoryFolder } from './cache-layout.js'
import { hubFetch } from './hub-fetch.js'
import type { HubSettings } from './hub-options.js'
import { isCommit, type Repository } from './repository.js'

export interface ListedFile {
  readonly size: number
  /** git's hash of the file, or of the pointer that stands for a large one. */
  readonly blobId: string
  /** Of a large file's contents. */
  readonly sha256?: string | undefined
  /** Under which contents are stored apart from git; kept for huggingface_hub. */
  readonly xetHash?: string | undefined
}

export type Listing = ReadonlyMap<string, ListedFile>

/** What huggingface_hub, and so the names of the blobs, call a content. */
export function etagOf({ sha256, blobId }: ListedFile): string {
  return sha256 ?? blobId
}

/** The commit that a revision stands at now. */
export async function askCommit(repository: Repository, settings: HubSettings): Promise<string> {
  const { id: name, kind, revision } = repository
  if (isCommit(revision)) return revision
  const { datasetInfo, modelInfo } = await import('@huggingface/hub')
  const asked = { name, revision, hubUrl: settings.endpoint, fetch: hubFetch(repository, settings) }
  const answer =
    kind === 'model'
      ? await modelInfo({ ...asked, additionalFields: ['sha'] })
      : await datasetInfo({ ...asked, additionalFields: ['sha'] })
  if (typeof answer.sha === 'string' && isCommit(answer.sha)) return answer.sha
  throw notUnderstood(settings, `no commit of ${name}`)
}

/** The listing in the cache, else the Hub's. */
export async function askListing(
  repository: Repository,
  commit: string,
  folder: RepositoryFolder,
  settings: HubSettings,
): Promise<Listing> {
  const kept = await keptListing(folder, commit)
  if (kept !== undefined) return kept
  const { listFiles } = await import('@huggingface/hub')
  const listing = new Map<string, ListedFile>()
  const entries = listFiles({
    repo: { type: repository.kind, name: repository.id },
    revision: commit,
    recursive: true,
    hubUrl: settings.endpoint,
    fetch: hubFetch(repository, settings),
  })
  for await (const entry of entries) {
    if (entry.type !== 'file' || !isPlainPath(entry.path)) continue
    const { path, size, oid, lfs, xetHash } = entry
    if (oid === undefined || !isHash(oid) || (lfs !== undefined && !isHash(lfs.oid))) {
      throw notUnderstood(settings, `no hash of ${path}`)
    }
    listing.set(path, { size: lfs?.size ?? size, blobId: oid, sha256: lfs?.oid, xetHash })
  }
  await keepListing(folder, commit, listing)
  return listing
}

const keptSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.int().min(0),
      blob_id: z.string().refine(isHash),
      lfs_sha256: z.string().refine(isHash).nullish(),
      lfs_size: z.int().min(0).nullish(),
      xet_hash: z.string().nullish(),
    }),
  ),
})

/** The listing as it lies in the cache; undefined where there is none that can be read. */
export async function keptListing(folder: RepositoryFolder, commit: string): Promise<Listing | undefined> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(keptPath(folder, commit), 'utf8'))
  } catch {
    return undefined
  }
  const { success, data } = keptSchema.safeParse(json)
  if (!success) return undefined
  const files = Object.entries(data.files).filter(([path]) => isPlainPath(path))
  return new Map(
    files.map(([path, { size, blob_id: blobId, lfs_sha256: sha256, lfs_size, xet_hash: xetHash }]) => [
      path,
      { size: lfs_size ?? size, blobId, sha256: sha256 ?? undefined, xetHash: xetHash ?? undefined },
    ]),
  )
}

async function keepListing(folder: RepositoryFolder, commit: string, listing: Listing): Promise<void> {
  const files = [...listing]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { size, blobId, sha256, xetHash }]) => [
      path,
      {
        size,
        blob_id: blobId,
        ...(sha256 !== undefined && { lfs_sha256: sha256, lfs_size: size }),
        ...(xetHash !== undefined && isHash(xetHash) && { xet_hash: xetHash }),
      },
    ])
  const kept = { format_version: 1, files: Object.fromEntries(files) as unknown }
  await writeWhole(keptPath(folder, commit), JSON.stringify(kept, null, 1)).catch(allowReadOnly)
}

/** Paths of the files that a snapshot holds, links to nothing included. */
export async function pathsOfSnapshot(folder: RepositoryFolder, commit: string): Promise<string[]> {
  const root = snapshotFolder(folder, commit)
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

function keptPath({ root }: RepositoryFolder, commit: string): string {
  return join(root, 'trees', `${commit}.json`)
}

/** Hashes name files here, so nothing else may pass for one. */
function isHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

/** Whether a path stays in the folder it is joined to, on any system. Others are left alone as if they were not there. */
function isPlainPath(path: string): boolean {
  return !/[\\\0]|^[a-z]:/i.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

function notUnderstood({ endpoint }: HubSettings, what: string): AttuneError {
  const message = `${endpoint} does not answer as the Hub does (${what}): check HF_ENDPOINT.`
  return new AttuneError('download-failed', message, { where: endpoint })
}
