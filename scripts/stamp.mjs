// A stamp is a file that holds a hash of everything a build step was made from.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { filesBelow } from './files-below.mjs'
import { root } from './run.mjs'

/** A hash over the contents of files and folders (relative to the root) and over any further facts. */
export function hashOf({ paths, facts = [] }) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap((path) => filesBelow(path))) {
    hash.update(`${path}\0`)
    hash.update(readFileSync(join(root, path)))
    hash.update('\0')
  }
  hash.update(JSON.stringify(facts))
  return hash.digest('hex')
}

export function readStamp(file) {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    return undefined
  }
}

export function writeStamp(file, hash) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), hash)
}
