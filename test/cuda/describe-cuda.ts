import { describe } from 'vitest'
import { unavailableCuda } from './emulated-cuda.js'

const reason = await unavailableCuda()

/** The emulator is slow, and slower where other work goes on. */
const timeout = 300_000

/** Tests that compute on the emulated GPU: skipped, and the reason told, where it cannot be had. */
export function describeCuda(body: () => void, name = 'on emulated CUDA'): void {
  describe.skipIf(reason !== undefined)(
    `${name}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
    { timeout },
    body,
  )
}
