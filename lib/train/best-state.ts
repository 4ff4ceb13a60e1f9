import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Model } from '../models/model.js'

/** Keeps the trained weights of the best evaluation: in a file beside the checkpoints, or in memory where nothing is saved. */
export interface BestState {
  keep(): Promise<void>
  /** Puts the kept weights back. */
  restore(): Promise<void>
  /** Ends the run: nothing is kept any more. */
  clear(): Promise<void>
}

/** @param names all that the run trains in the end, as what is trained later has to go back too */
export function bestInMemory(model: Model, names: readonly string[]): BestState {
  const kept = new Map<string, Float32Array>()
  return {
    async keep() {
      for (const name of names) {
        const { data } = await model.read(name)
        const copy = kept.get(name)
        // Into the memory of the last best: what is left of an old copy is given back late.
        if (copy === undefined) kept.set(name, data)
        else copy.set(data)
      }
    },
    async restore() {
      for (const [name, data] of kept) await model.write(name, data)
    },
    clear() {
      kept.clear()
      return Promise.resolve()
    },
  }
}

export function bestInFile(model: Model, path: string, names: readonly string[]): BestState {
  return {
    async keep() {
      await mkdir(dirname(path), { recursive: true })
      const partial = join(dirname(path), '.best.partial')
      await model.saveTrainable(partial, names)
      await rename(partial, path)
    },
    async restore() {
      if (existsSync(path)) await model.loadTrainable(path, names)
    },
    clear: () => rm(path, { force: true }),
  }
}
