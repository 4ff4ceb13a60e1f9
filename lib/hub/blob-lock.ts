/**
 * One process at a time fetches a file. The lock saves bytes; that the cache stays right does not hang on it, as each
 * download writes to a file of its own (see download-blob.ts).
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { pause } from './hub-fetch.js'

export interface BlobLock {
  /** Whether whoever had it before is certainly gone, so that what it left may be gone on with. */
  readonly alone: boolean
  release(): Promise<void>
}

const holderSchema = z.object({ id: z.string(), pid: z.int(), host: z.string() })

// A holder shows that it lives every five seconds; one that is silent for a minute sleeps, or its machine is off.
const beat = 5_000
const silence = 60_000

const poll = 100

/**
 * Waits for the lock of a path, or until `done` says that there is nothing to do any more.
 * @throws AttuneError 'aborted'
 */
export async function lockBlob(
  path: string,
  done: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<BlobLock | undefined> {
  await mkdir(dirname(path), { recursive: true })
  const own = JSON.stringify({ id: randomUUID(), pid: process.pid, host: hostname() })
  let alone = true
  for (;;) {
    if (await done()) return undefined
    if (await taken(path, own)) return held(path, own, alone)
    const found = await readFile(path, 'utf8').catch(() => undefined)
    const state = found === undefined ? 'free' : await stateOf(path, found)
    if (state === 'held') await pause(poll, signal)
    if (found !== undefined && (state === 'dead' || state === 'silent')) {
      // Of several that find it so, one renames it; had another taken it meanwhile, that one may be at work still.
      const removed = `${path}.${randomUUID().slice(0, 8)}`
      const mine = await rename(path, removed).then(
        () => true,
        () => false,
      )
      if (mine && (state === 'silent' || (await readFile(removed, 'utf8').catch(() => '')) !== found)) alone = false
      await rm(removed, { force: true })
    }
  }
}

async function taken(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function held(path: string, own: string, alone: boolean): BlobLock {
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, beat)
  timer.unref()
  return {
    alone,
    async release() {
      clearInterval(timer)
      if ((await readFile(path, 'utf8').catch(() => '')) === own) await rm(path, { force: true })
    },
  }
}

async function stateOf(path: string, text: string): Promise<'held' | 'dead' | 'silent' | 'free'> {
  const { data: holder } = holderSchema.safeParse(parsed(text))
  if (holder?.host === hostname() && !isAlive(holder.pid)) return 'dead'
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 'free'
  return Date.now() - found.mtimeMs > silence ? 'silent' : 'held'
}

/** Nothing where it is being written at this moment. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
