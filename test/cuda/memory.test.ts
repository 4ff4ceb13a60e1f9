/** A run that a GPU has no memory for is refused before its first step, with what the plan counted and what would need less. */
import { expect, test } from 'vitest'
import { root, runProgram } from '../run-process.js'
import { describeCuda } from './describe-cuda.js'

/** Trains an adapter, tries a larger batch first, and prints what was refused, what was left of the model, and that a smaller one runs. */
const program = `
import { Dataset, lora, Model, Trainer } from '${root}/dist/index.js'

const model = await Model.load('${root}/examples/models/attune-base', { device: 'cuda' })
const text = 'one two three four five six seven eight nine ten '
const rows = Dataset.from(Array.from({ length: 64 }, () => ({ prompt: text, completion: text })))
const options = { adapter: lora(), epochs: 1, maxSteps: 1, seed: 1 }
const results = []
for (const batchSize of [64, 4]) {
  try {
    const types = []
    for await (const { type } of new Trainer(model, { ...options, train: rows, batchSize }).run()) types.push(type)
    results.push(types.filter((type) => type === 'step'))
  } catch ({ code, where, message }) {
    results.push({ code, where, message, gradients: model.memory().gradients, adapter: model.adapter ?? null })
  }
}
console.log(JSON.stringify(results))
`

describeCuda(() => {
  test('a batch that does not fit is refused, the model is as before, and a smaller one is trained', async () => {
    const { code, stdout, stderr } = await runProgram(program, { ATTUNE_CUDA_EMULATOR: 'memory=32M' })
    expect(code, stderr).toBe(0)
    const [large, small] = JSON.parse(stdout) as unknown[]
    expect(large).toEqual({
      code: 'out-of-memory',
      where: 'options.memory',
      message: expect.stringMatching(
        /^the run needs [\d.]+ MiB of memory and 32 MiB can be had\. What would need less:(\n {2}- .+)+/,
      ) as string,
      gradients: 0,
      adapter: null,
    })
    expect(small).toEqual(['step'])
  })

  test('weights that do not fit are refused before they are read, with what would fit', async () => {
    const load = `
import { Model } from '${root}/dist/index.js'
try {
  await Model.load('${root}/examples/models/attune-base', { device: 'cuda' })
} catch ({ code, where, message }) {
  console.log(JSON.stringify({ code, where, message }))
}
`
    const { stdout } = await runProgram(load, { ATTUNE_CUDA_EMULATOR: 'memory=12M' })
    expect(JSON.parse(stdout)).toEqual({
      code: 'out-of-memory',
      where: 'device',
      message: expect.stringMatching(
        /^the weights take 17 MiB as f32, and of the 12 MiB of the GPU .* 12 MiB are free\. What would do: dtype 'bf16' \(9 MiB\); quantization 'int8' or 'nf4', to train adapters; device 'cpu'\.$/,
      ) as string,
    })
  })
})
