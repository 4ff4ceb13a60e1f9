/** Greedy decoding with the key/value cache, one prompt and eight at once. */
import { fileURLToPath } from 'node:url'
import { generateBatch, Model } from '../../dist/index.js'
import type { BenchSuite } from '../suite.js'

const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
const maxNewTokens = 64

export async function openGeneration(): Promise<BenchSuite> {
  const model = await Model.load(directory)
  const task = (count: number) => ({
    name: `greedy, ${count} at once, ${maxNewTokens} new tokens`,
    work: { amount: count * maxNewTokens, unit: 'tokens' },
    run: () =>
      generateBatch(
        model,
        Array.from({ length: count }, () => 'The old house by the river was'),
        { maxNewTokens, temperature: 0, stopTokenIds: [] },
      ),
  })
  return {
    tasks: [task(1), task(8)],
    [Symbol.asyncDispose]() {
      model.dispose()
      return Promise.resolve()
    },
  }
}
