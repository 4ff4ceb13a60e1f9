/** What bounds a kernel, by what the same run measured. */
import type { KernelDtype } from './kernel-class.js'
import { isAbsent } from './absent.js'
import type { KernelResult, Peaks } from './result.js'

/** Operations a second of the fastest product of this dtype; undefined where none was timed. */
export function bestProduct(kernels: readonly KernelResult[], dtype: KernelDtype): number | undefined {
  const rates = kernels.flatMap((kernel) =>
    kernel.class !== 'products' || kernel.dtype !== dtype || isAbsent(kernel.time)
      ? []
      : [kernel.products / kernel.time.seconds],
  )
  return rates.length === 0 ? undefined : Math.max(...rates)
}

export interface BoundPeak {
  readonly by: 'products' | 'memory'
  /** What the kernel would take at the peak. */
  readonly seconds: number
}

/** The longer of its operations at the best product's rate and its bytes at the read bandwidth. */
export function boundPeak(
  { products, attention, bytes, dtype }: KernelResult,
  kernels: readonly KernelResult[],
  { bandwidth }: Peaks,
): BoundPeak | undefined {
  const work = products + attention
  const best = bestProduct(kernels, dtype)
  const memory: BoundPeak = { by: 'memory', seconds: bytes / bandwidth }
  if (work === 0) return memory
  if (best === undefined) return undefined
  const computing: BoundPeak = { by: 'products', seconds: work / best }
  return computing.seconds > memory.seconds ? computing : memory
}
