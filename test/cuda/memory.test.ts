/** A run that a GPU has no memory for is refused before its first step, with what the plan counted and what would need less. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { describeCuda } from './describe-cuda.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

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

function run(settings: string): unknown[] {
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, ATTUNE_CUDA_EMULATOR: settings },
  })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as unknown[]
}

describeCuda(() => {
  test('a batch that does not fit is refused, the model is as before, and a smaller one is trained', () => {
    const [large, small] = run('memory=32M')
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
})
