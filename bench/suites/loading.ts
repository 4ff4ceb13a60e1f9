/** From a directory to a model that is ready, and back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Model } from '../../dist/index.js'
import type { BenchSuite } from '../suite.js'

const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))

export async function openLoading(): Promise<BenchSuite> {
  const folder = await mkdtemp(join(tmpdir(), 'attune-bench-'))
  const model = await Model.load(directory)
  const bytes = model.memory().parameters
  const work = { amount: bytes / 1e6, unit: 'MB' }
  return {
    tasks: [
      {
        name: 'load',
        work,
        run: async () => {
          await using loaded = await Model.load(directory)
          return loaded
        },
      },
      { name: 'save', work, run: () => model.save(join(folder, 'saved')) },
    ],
    async [Symbol.asyncDispose]() {
      model.dispose()
      await rm(folder, { recursive: true })
    },
  }
}
