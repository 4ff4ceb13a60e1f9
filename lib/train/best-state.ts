import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Model } from '../models/model.js'
import { trainedNames } from './trained-parameters.js'

/** Keeps the trained weights of the best evaluation: in a file beside the checkpoints, or in memory where nothing is saved. */
export interface BestState {
  keep(): Promise<void>
  /** Puts the kept weights back. */
  restore(): Promise<void>
  /** Ends the run: nothing is kept any more. */
  clear(): Promise<void>
}

export function bestInMemory(model: Model): BestState {
  const kept = new Map<string, Float32Array>()
  return {
    async keep() {
      for (const name of trainedNames(model)) kept.set(name, (await model.read(name)).data)
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

export function bestInFile(model: Model, path: string): BestState {
  return {
    async keep() {
      await mkdir(dirname(path), { recursive: true })
      const partial = join(dirname(path), '.best.partial')
      await model.saveTrainable(partial)
      await rename(partial, path)
    },
    async restore() {
      if (existsSync(path)) await model.loadTrainable(path)
    },
    clear: () => rm(path, { force: true }),
  }
}
