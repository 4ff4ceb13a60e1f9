/**
 * What a run takes of the memory it computes in: the model's exact bytes, and, where that is the machine's, what the process holds
 * beside it. A GPU's memory holds nothing else of ours.
 */
import { freemem } from 'node:os'
import type { Model } from '../models/model.js'
import type { NativeMemory } from '../native.js'

export interface ProcessMemory {
  /** What the process holds beside the model: Node.js, the rows, the tokenizer. Measured. 0 on a GPU. */
  readonly baseline: number
  /** Copies of the best weights, where they are kept in memory for want of an output directory. Of the machine's memory always. */
  readonly best: number
  /** What the system shows as the process's resident memory during the run; what is allocated on a GPU. */
  readonly total: number
  /** What it can still grow by, as the system or the GPU says, now. */
  readonly free: number
  /** Resident, or allocated, now. */
  readonly resident: number
}

/** Resident bytes beside the model's. */
export function baselineOf(model: Model): number {
  return model.device === 'cuda' ? 0 : Math.max(0, process.memoryUsage.rss() - model.memory().total)
}

export function processMemory(model: Model, memory: NativeMemory, baseline: number, best: number): ProcessMemory {
  const { deviceMemory } = model
  if (deviceMemory !== undefined) {
    return { baseline, best, total: memory.total, free: deviceMemory.free, resident: model.memory().total }
  }
  return {
    baseline,
    best,
    total: baseline + best + memory.total,
    free: freeBytes(),
    resident: process.memoryUsage.rss(),
  }
}

/** What this process may still take: of the machine, or of its container. */
function freeBytes(): number {
  // From Node 20.13 on; typed as if it were always there.
  return 'availableMemory' in process ? process.availableMemory() : freemem()
}

/** Most bytes that the process may have: what the options allow, and what the machine has. */
export function roomFor(
  { process: { resident, free } }: { readonly process: ProcessMemory },
  { memory = Infinity }: { readonly memory?: number | undefined },
): number {
  return Math.min(memory, resident + free)
}
