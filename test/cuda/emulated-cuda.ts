/** Has this process's sessions compute on the emulated GPU: builds emulator and kernels, and names the emulator to the core. */
import { run } from '../run-process.js'

/** Environment variable that names the driver library. */
export const driverVariable = 'ATTUNE_CUDA_DRIVER'

/** Exit code of a script that cannot do its work here because something is missing. */
const missingCode = 77

/** Why nothing can be run on it here; undefined where it can. Sets the environment of this process. */
export async function unavailableCuda(): Promise<string | undefined> {
  if (process.env[driverVariable] !== undefined) return undefined
  // Its processes cannot start each other by their own path.
  if (process.env.ATTUNE_ADDON !== undefined && process.arch !== 'x64') return `${process.arch} is emulated itself`
  const { code, stdout, stderr } = await run(process.execPath, ['scripts/prepare-emulated-cuda.mjs'])
  if (code === missingCode) return stderr.trim().replace(/^attune: /, '')
  if (code !== 0) throw new Error(`prepare-emulated-cuda.mjs failed\n${stdout}${stderr}`)
  process.env[driverVariable] = stdout.trim().split('\n').at(-1)
  return undefined
}
