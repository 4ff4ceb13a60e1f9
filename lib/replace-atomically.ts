/**
 * Saving so that a name never holds half of something: written beside the target, synced, then renamed. A crash
 * leaves the old state or the new one, and at worst a `.partial` that the next save replaces.
 */
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AttuneError } from './errors.js'

/** Fills a new directory and puts it in the place of `path`. */
export async function replaceDirectory(path: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = beside(path)
  await saving(path, async () => {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true })
    await fill(partial)
    await syncAll(partial)
    if (existsSync(path)) {
      // A directory with files cannot be renamed over: the old one steps aside first.
      const old = `${partial}.old`
      await rm(old, { recursive: true, force: true })
      await rename(path, old)
      await rename(partial, path)
      await rm(old, { recursive: true, force: true })
    } else {
      await rename(partial, path)
    }
    await sync(dirname(path))
  })
}

/** Fills a new directory and moves its files into `path`, among others there. Those in `last` go last: who finds them finds all. */
export async function replaceFiles(path: string, last: readonly string[], fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = join(path, '.partial')
  await saving(path, async () => {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true })
    await fill(partial)
    await syncAll(partial)
    const names = (await readdir(partial)).sort((a, b) => Number(last.includes(a)) - Number(last.includes(b)))
    for (const name of names) await rename(join(partial, name), join(path, name))
    await rm(partial, { recursive: true, force: true })
    await sync(path)
  })
}

/** Writes a text file. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const partial = beside(path)
  await saving(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(partial, text)
    await sync(partial)
    await rename(partial, path)
    await sync(dirname(path))
  })
}

function beside(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial`)
}

async function saving(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AttuneError('file-write-failed', `cannot save ${path}: ${reason}`, { where: path, cause })
  }
}

async function syncAll(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    await sync(join(entry.parentPath, entry.name))
  }
  await sync(directory)
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
