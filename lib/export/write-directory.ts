import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AttuneError } from '../errors.js'

/**
 * Fills a directory all at once: `fill` writes into a temporary one beside it, which is synced and then takes its place, so
 * that an interrupted save leaves no half-written model. Into a directory that is there already the files are moved one
 * by one; what else lies there stays, except the names in `replaces`.
 * @throws AttuneError `file-write-failed`
 */
export async function writeDirectory(
  target: string,
  fill: (directory: string) => Promise<void>,
  { replaces = [] }: { readonly replaces?: readonly string[] } = {},
): Promise<void> {
  const final = resolve(target)
  const temporary = join(dirname(final), `${basename(final)}.tmp-${process.pid}`)
  try {
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary, { recursive: true })
    await fill(temporary)
    for (const name of await readdir(temporary)) await sync(join(temporary, name))
    await sync(temporary)
    await moveInto(temporary, final, replaces)
    await sync(dirname(final))
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined)
    if (cause instanceof AttuneError) throw cause
    throw new AttuneError('file-write-failed', `Cannot write ${final}: ${(cause as Error).message}`, {
      where: final,
      cause,
    })
  }
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`)
}

async function moveInto(temporary: string, final: string, replaces: readonly string[]): Promise<void> {
  const there = await entriesOf(final)
  if (there === undefined || there.length === 0) {
    await rm(final, { recursive: true, force: true })
    await rename(temporary, final)
    return
  }
  const entries = await readdir(temporary, { withFileTypes: true })
  const fresh = entries.map(({ name }) => name)
  for (const entry of entries) {
    const [from, to] = [join(temporary, entry.name), join(final, entry.name)]
    // A folder is not renamed onto one that holds something.
    if (entry.isDirectory()) await moveInto(from, to, [])
    else await rename(from, to)
  }
  for (const name of replaces) if (!fresh.includes(name)) await rm(join(final, name), { force: true })
  await sync(final)
  await rm(temporary, { recursive: true, force: true })
}

/** Names in a directory; undefined where there is none. */
async function entriesOf(path: string): Promise<string[] | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) throw new Error('a file of that name exists')
    return await readdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
