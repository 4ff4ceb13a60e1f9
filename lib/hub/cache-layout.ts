/**
 * Where things lie in the cache, as huggingface_hub lays them:
 *
 *     models--org--name/refs/main                       the commit that a branch or tag stood at
 *     models--org--name/blobs/<etag>                    contents, by sha256 (large files) or git's hash
 *     models--org--name/snapshots/<commit>/config.json  a relative link to a blob
 *     models--org--name/trees/<commit>.json             what files the commit has
 *     .locks/models--org--name/                         who is fetching what
 */
import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { isCommit, type Repository } from './repository.js'

export interface RepositoryFolder {
  readonly root: string
  readonly locks: string
}

export function repositoryFolder(cache: string, { kind, id }: Pick<Repository, 'kind' | 'id'>): RepositoryFolder {
  const name = [`${kind}s`, ...id.split('/')].join('--')
  return { root: join(cache, name), locks: join(cache, '.locks', name) }
}

export function snapshotFolder({ root }: RepositoryFolder, commit: string): string {
  return join(root, 'snapshots', commit)
}

export function blobPath({ root }: RepositoryFolder, etag: string): string {
  return join(root, 'blobs', etag)
}

/** The id and commit of a directory that is a snapshot in a cache; undefined for any other. */
export function snapshotOrigin(directory: string): { readonly id: string; readonly commit: string } | undefined {
  const found = /(?:^|[\\/])(?:models|datasets)--([^\\/]+)[\\/]snapshots[\\/]([0-9a-f]{40})[\\/]?$/.exec(directory)
  const [, name, commit] = found ?? []
  return name === undefined || commit === undefined ? undefined : { id: name.replace('--', '/'), commit }
}

/** The commit that a revision stood at when it was last asked for. */
export async function cachedCommit({ root }: RepositoryFolder, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision
  const text = await readFile(join(root, 'refs', revision), 'utf8').catch(() => '')
  return isCommit(text.trim()) ? text.trim() : undefined
}

export async function noteCommit(folder: RepositoryFolder, revision: string, commit: string): Promise<void> {
  if ((await cachedCommit(folder, revision)) === commit) return
  await writeWhole(join(folder.root, 'refs', revision), commit).catch(allowReadOnly)
}

/** Notes that only save a question are not worth an error: a cache may be shared by those who may not write to it. */
export function allowReadOnly(error: NodeJS.ErrnoException): void {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) throw error
}

/** Whether the file is there, with that many bytes. A link to nothing is not. */
export async function isThere(path: string, size?: number): Promise<boolean> {
  try {
    const found = await stat(path)
    return found.isFile() && (size === undefined || found.size === size)
  } catch {
    return false
  }
}

/** Writes a small file so that it is there wholly or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = temporaryBeside(path)
  try {
    await writeFile(temporary, text)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Puts a blob into a snapshot: as a relative link, or where there are none (Windows without the right to) as the file itself. */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true })
  const temporary = temporaryBeside(pointer)
  try {
    if (!(await linked(relative(dirname(pointer), blob), temporary))) await copyFile(blob, temporary)
    await rename(temporary, pointer)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function linked(target: string, path: string): Promise<boolean> {
  if (/^(?:1|on|yes|true)$/i.test(process.env.HF_HUB_DISABLE_SYMLINKS ?? '')) return false
  try {
    await symlink(target.split(sep).join('/'), path)
    return true
  } catch (error) {
    if (['EPERM', 'ENOSYS', 'ENOTSUP', 'UNKNOWN'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

function temporaryBeside(path: string): string {
  return `${path}.${randomUUID().slice(0, 8)}.tmp`
}
