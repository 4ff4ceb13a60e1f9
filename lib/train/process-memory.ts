/** What a run takes of the machine's memory: the model's exact bytes, and what the process holds beside it. */
import { freemem } from 'node:os'
import type { Model } from '../models/model.js'
import type { NativeMemory } from '../native.js'

export interface ProcessMemory {
  /** What the process holds beside the model: Node.js, the rows, the tokenizer. Measured. */
  readonly baseline: number
  /** Copies of the best weights, where they are kept in memory for want of an output directory. */
  readonly best: number
  /** What the system shows as the process's resident memory during the run. */
  readonly total: number
  /** What it can still grow by, as the system says, now. */
  readonly free: number
  /** Resident now. */
  readonly resident: number
}

/** Resident bytes beside the model's. What was reserved and never written to is not resident: of a fresh model the gradients. */
export function baselineOf(model: Model, touchedGradients: boolean): number {
  const { parameters, total, gradients } = model.memory()
  const touched = touchedGradients ? total : Math.max(parameters, total - gradients)
  return Math.max(0, process.memoryUsage.rss() - touched)
}

export function processMemory(memory: NativeMemory, baseline: number, best: number): ProcessMemory {
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
