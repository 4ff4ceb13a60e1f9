/** Greedy decoding with the key/value cache, one prompt, four and sixteen at once, with plain and with int8 weights. */
import { fileURLToPath } from 'node:url'
import { generateBatch, Model } from '../../dist/index.js'
import type { BenchSuite } from '../suite.js'

const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
const maxNewTokens = 64

export async function openGeneration(): Promise<BenchSuite> {
  const models = {
    f32: await Model.load(directory),
    bf16: await Model.load(directory, { dtype: 'bf16' }),
    int8: await Model.load(directory, { quantization: 'int8' }),
  }
  const task = ([held, model]: [string, Model], count: number) => ({
    name: `greedy, ${held}, ${count} at once, ${maxNewTokens} new tokens`,
    work: { amount: count * maxNewTokens, unit: 'tokens' },
    run: () =>
      generateBatch(
        model,
        Array.from({ length: count }, () => 'The old house by the river was'),
        { maxNewTokens, temperature: 0, stopTokenIds: [], batchSize: count },
      ),
  })
  return {
    tasks: Object.entries(models).flatMap((each) => [1, 4, 16].map((count) => task(each, count))),
    [Symbol.asyncDispose]() {
      for (const model of Object.values(models)) model.dispose()
      return Promise.resolve()
    },
  }
}
