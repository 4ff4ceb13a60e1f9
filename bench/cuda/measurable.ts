/** Whether times of a device may be recorded. */
import { isEmulated } from '../../dist/bench/emulated.js'
import type { NativeSession } from '../../dist/native.js'

export class NotMeasurable extends Error {}

/** @throws NotMeasurable on a processor and on an emulated GPU */
export function requireMeasurable({ device, hardware }: Pick<NativeSession, 'device' | 'hardware'>): void {
  if (device !== 'cuda') {
    throw new NotMeasurable(
      `npm run bench:cuda measures an NVIDIA GPU, and this is the processor (${hardware}). Run \`npm run bench\` for it, or give --dry-run.`,
    )
  }
  if (isEmulated(hardware)) {
    throw new NotMeasurable(
      `${hardware}: times on an emulator say nothing of a GPU, so none are recorded. Unset ATTUNE_CUDA_DRIVER to use a card, or give --dry-run.`,
    )
  }
}
