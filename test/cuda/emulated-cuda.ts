/** Has this process's sessions compute on the emulated GPU: builds emulator and kernels, and names the emulator to the core. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** What a script prints last, or the reason it has for not doing its work here (exit code 77). */
function built(script: string, ...options: string[]): { path: string } | { reason: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', script), ...options], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status === 0) return { path: stdout.trim().split('\n').at(-1)! }
  if (status === 77) return { reason: stderr.trim() }
  throw new Error(`${script} failed\n${stdout}${stderr}`)
}

/** Environment variable that names the driver library. */
export const driverVariable = 'ATTUNE_CUDA_DRIVER'

/** Why nothing can be run on it here; undefined where it can. Sets the environment of this process. */
export function unavailableCuda(): string | undefined {
  if (process.env[driverVariable] !== undefined) return undefined
  for (const [script, options] of [
    ['build-cuda.mjs', ['ptx']],
    ['build-cuda-emulator.mjs', []],
  ] as const) {
    const result = built(script, ...options)
    if ('reason' in result) return result.reason
    if (script === 'build-cuda-emulator.mjs') process.env[driverVariable] = result.path
  }
  return undefined
}
