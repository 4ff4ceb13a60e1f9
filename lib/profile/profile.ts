/** What the kernels of some work took: their runs one by one, and added up by op. */
import type { NativeSpan } from '../native.js'

/** One run of a kernel. */
export type KernelSpan = NativeSpan

export interface Profile {
  /** From before the work to after it. */
  readonly seconds: number
  /** In the order in which they began. */
  readonly kernels: readonly KernelSpan[]
}

/** All runs of an op. */
export interface OpProfile {
  readonly op: string
  readonly runs: number
  readonly seconds: number
  /** Of all kernels' seconds. */
  readonly share: number
  /** Floating-point operations a second. */
  readonly flopsPerSecond: number
  /** Bytes read and written a second, each tensor counted once. */
  readonly bytesPerSecond: number
}

/** By op, the longest first. */
export function profileByOp({ kernels }: Profile): OpProfile[] {
  const sums = new Map<string, { runs: number; seconds: number; flops: number; bytes: number }>()
  for (const { op, seconds, flops, bytes } of kernels) {
    const sum = sums.get(op) ?? { runs: 0, seconds: 0, flops: 0, bytes: 0 }
    sum.runs++
    sum.seconds += seconds
    sum.flops += flops
    sum.bytes += bytes
    sums.set(op, sum)
  }
  const all = kernelSeconds({ kernels })
  return [...sums]
    .map(([op, { runs, seconds, flops, bytes }]) => ({
      op,
      runs,
      seconds,
      share: seconds / all,
      flopsPerSecond: flops / seconds,
      bytesPerSecond: bytes / seconds,
    }))
    .sort((a, b) => b.seconds - a.seconds)
}

/** Seconds in kernels. The rest of a step's seconds was spent between them. */
export function kernelSeconds({ kernels }: Pick<Profile, 'kernels'>): number {
  return kernels.reduce((sum, { seconds }) => sum + seconds, 0)
}
