// Installs the npm packages when node_modules does not hold what package-lock.json asks for.
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, say } from './run.mjs'

const folder = join(root, 'node_modules')

/** npm writes what it installed to node_modules/.package-lock.json, in the lock file's own form. */
function isCurrent() {
  const record = join(folder, '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    // Optional packages are mostly binaries of other platforms.
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  )
}

export function installPackages() {
  if (isCurrent()) return
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    say('node_modules is a link and not what package-lock.json asks for; install where it points to')
    return
  }
  say('installing npm packages')
  // The native build has its own step, so the package's install script would only do it twice.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}
