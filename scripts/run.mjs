// How the scripts run other programs: output passes through, failure stops.
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Runs a program in the repository root and stops this process with its exit code when it fails. */
export function run(command, args, { env = {} } = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (error !== undefined) fail(`cannot run ${command}: ${error.message}`)
  if (status !== 0) fail(`${command} ${args.join(' ')} ended with ${signal ?? `exit code ${status}`}`, status ?? 1)
}

/** Runs a program and resolves with its exit code and everything it printed. */
export function capture(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Whether `command --version` runs. */
export function available(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
}

/** Exit code of a script that cannot do its work here because something is missing. */
export const missingCode = 77

export function say(message) {
  console.log(`attune: ${message}`)
}

export function fail(message, code = 1) {
  console.error(`attune: ${message}`)
  process.exit(code)
}
