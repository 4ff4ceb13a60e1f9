// Test files run side by side and each wants the same things built: one builds, the others wait.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { root } from './run.mjs'

function isAlive(id) {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}

/** Waits for `file` (relative to the root) to be nobody's, and keeps it until this process ends. */
export async function takeLock(file) {
  const lock = join(root, file)
  mkdirSync(dirname(lock), { recursive: true })
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch {
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0
      if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true })
      await setTimeout(200)
    }
  }
  process.on('exit', () => rmSync(lock, { force: true }))
}
