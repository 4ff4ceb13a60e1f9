// How much of a multiprocessor a kernel can fill, from what a block of it takes: as NVIDIA's cuda_occupancy.h works it out.
const kibibyte = 1024

/**
 * What a multiprocessor has room for: warps, blocks, bytes of shared memory. From "Technical Specifications per Compute Capability" in
 * NVIDIA's CUDA programming guide.
 */
const multiprocessors = {
  sm_80: { warps: 64, blocks: 32, shared: 164 * kibibyte },
  sm_86: { warps: 48, blocks: 16, shared: 100 * kibibyte },
  sm_89: { warps: 48, blocks: 24, shared: 100 * kibibyte },
  sm_90: { warps: 64, blocks: 32, shared: 228 * kibibyte },
  sm_100: { warps: 64, blocks: 32, shared: 228 * kibibyte },
  sm_120: { warps: 48, blocks: 24, shared: 100 * kibibyte },
}
/** The same on all of them. A warp's registers lie in one of four parts, and come by the unit. */
const warpThreads = 32
const parts = 4
const registersOfPart = 65536 / parts
const registerUnit = 256
const sharedUnit = 128
/** What the system has in every block's shared memory. */
export const reservedShared = kibibyte

const roundUp = (value, unit) => Math.ceil(value / unit) * unit

/**
 * Blocks of a kernel that a multiprocessor holds at once, the percentage of its warps that these are, and what there are no more for:
 * of several the first of threads, blocks, registers, shared.
 *
 * `registers`: of a thread. `threads`: of a block. `shared`: bytes of a block, static and dynamic, without those that the system has.
 */
export function occupancy({ arch, registers, threads, shared }) {
  const limits = multiprocessors[arch]
  if (limits === undefined) throw new Error(`no limits of ${arch} are known`)
  const warps = Math.ceil(threads / warpThreads)
  const warpsOfPart = Math.floor(registersOfPart / roundUp(registers * warpThreads, registerUnit))
  const fitting = {
    threads: Math.floor(limits.warps / warps),
    blocks: limits.blocks,
    registers: Math.floor((parts * warpsOfPart) / warps),
    shared: Math.floor(limits.shared / roundUp(shared + reservedShared, sharedUnit)),
  }
  const blocks = Math.min(...Object.values(fitting))
  const limiter = Object.keys(fitting).find((name) => fitting[name] === blocks)
  return { blocks, percent: Math.round((100 * blocks * warps) / limits.warps), limiter }
}
