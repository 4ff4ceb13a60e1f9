/** Models whose frozen weights are quantized: they compute as one in float32 that has the same values. */
import { expect, test } from 'vitest'
import { generateBatch } from '../../lib/generate/model-generate.js'
import { Model } from '../../lib/models/model.js'
import { quantizations, type Quantization } from '../../lib/models/quantization.js'
import { lora } from '../../lib/nn/lora.js'
import { refusal } from '../refusal.js'
import { tinyModel } from '../tiny-model.js'
import { temporaryDirectory } from './fixture-models.js'

const gpt2 = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 64,
  n_positions: 64,
  n_embd: 32,
  n_layer: 2,
  n_head: 4,
  activation_function: 'gelu_new',
}
const configs = { llama: {}, gpt2 } as const
const cases = quantizations.flatMap((quantization) =>
  (Object.keys(configs) as (keyof typeof configs)[]).map((family) => [quantization, family] as const),
)

const batch = {
  inputIds: [
    [5, 9, 3, 60, 2, 8, 8, 1],
    [7, 7, 30],
  ],
  labels: [
    [5, 9, 3, 60, 2, 8, 8, 1],
    [-100, 7, 30],
  ],
}

function make(family: keyof typeof configs, quantization?: Quantization): Promise<Model> {
  const options = { threads: 2, seed: 3, ...(quantization === undefined ? {} : { quantization }) }
  return family === 'gpt2' ? Model.fromConfig(gpt2, options) : tinyModel(options)
}

/** In float32, with the values that the quantized model computes with. */
async function twin(family: keyof typeof configs, quantized: Model): Promise<Model> {
  const model = await make(family)
  for (const { name } of quantized.parameters()) await model.write(name, await quantized.read(name))
  return model
}

test.each(cases)('%s %s computes as a model in float32 with the same values', async (quantization, family) => {
  await using model = await make(family, quantization)
  await using plain = await twin(family, model)
  expect((await model.forward(batch)).logits.data).toEqual((await plain.forward(batch)).logits.data)

  const adapter = lora({ rank: 2, targets: 'all-linear', init: 'gaussian' })
  for (const each of [model, plain]) await each.addAdapter(adapter, { seed: 5 })
  const actual = await model.gradients(batch)
  const expected = await plain.gradients(batch)
  expect(actual.loss).toBe(expected.loss)
  expect(actual.gradients.size).toBeGreaterThan(8)
  for (const [name, { data }] of actual.gradients) expect(data, name).toEqual(expected.gradients.get(name)!.data)

  const prompts = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10], [11]]
  const options = { maxNewTokens: 12, stopTokenIds: [] }
  const alone = []
  for (const prompt of prompts) alone.push(...(await generateBatch(model, [prompt], options)))
  expect(await generateBatch(model, prompts, { ...options, batchSize: 3 })).toEqual(alone)
  expect(await generateBatch(plain, prompts, options)).toEqual(alone)
})

test.each(quantizations)('%s says how each weight is held, and takes less memory', async (quantization) => {
  await using model = await make('llama', quantization)
  const held = new Map([...model.parameters()].map(({ name, dtype }) => [name, dtype]))
  expect(held.get('model.layers.0.mlp.up_proj.weight')).toBe(quantization)
  expect(held.get('model.norm.weight')).toBe('f32')
  for (const name of ['model.embed_tokens.weight', 'lm_head.weight'])
    expect(held.get(name)).toBe(quantization === 'int8' ? 'int8' : 'f32')
  await using plain = await make('llama')
  expect(model.memory().parameters).toBeLessThan(plain.memory().parameters / 2)

  // What a plan says is what it takes.
  await model.addAdapter(lora({ rank: 2 }))
  const sizes = model.batchSizes(batch)
  const planned = model.plan(sizes)
  const foreseen = model.planAs({ adapter: lora({ rank: 2 }) }, sizes)
  expect(foreseen.parameters).toBe(planned.parameters)
  await model.gradients(batch)
  expect(model.memory().parameters).toBe(planned.parameters)
})

test('what cannot be done with quantized weights is refused with what to do', async () => {
  await using model = await make('llama', 'int8')
  const trained = { code: 'invalid-option', message: expect.stringContaining('add a LoRA adapter') as string }
  await expect(model.gradients(batch)).rejects.toMatchObject(trained)
  expect(refusal(() => model.setTrainable('all'))).toMatchObject(trained)
  model.setTrainable(['model.norm'])
  expect((await model.gradients(batch)).gradients.size).toBe(1)

  await expect(model.addAdapter(lora({ rank: 2, dora: true }))).rejects.toMatchObject({
    code: 'invalid-adapter',
    message: expect.stringContaining('is held as int8: use LoRA') as string,
  })
  await model.addAdapter(lora({ rank: 2 }))
  await expect(model.mergeAdapter()).rejects.toMatchObject({
    code: 'invalid-adapter',
    message: expect.stringContaining('merge: true') as string,
  })
  await model.removeAdapter()
})

test('a quantized base with its adapter is saved as a plain merged model', async () => {
  await using model = await make('llama', 'int8')
  await model.addAdapter(lora({ rank: 2, init: 'gaussian' }), { seed: 5 })
  const { data } = (await model.forward(batch)).logits
  const directory = temporaryDirectory()
  await model.save(directory, { merge: true })
  await using saved = await Model.load(directory)
  const again = (await saved.forward(batch)).logits.data
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  // x W + x A B and x (W + A B) differ by rounding: sums of 64 products through two layers.
  again.forEach((value, i) => expect(Math.abs(value - data[i]!)).toBeLessThan(largest * 64 * 2 ** -22))
})

test('int8 stays near what it was made of', async () => {
  await using plain = await make('llama')
  await using model = await make('llama', 'int8')
  const exact = (await plain.forward(batch)).logits.data
  const near = (await model.forward(batch)).logits.data
  let error = 0
  let norm = 0
  near.forEach((value, i) => {
    error += (value - exact[i]!) ** 2
    norm += exact[i]! ** 2
  })
  // A code is off by at most 1 / 254 of its block's largest, uniformly: 1 / (254 √3) in the mean. Of normal weights the largest of 64
  // is about 2.5 deviations, so a product is off by 2.5 / (254 √3) = 0.6 % of its norm; two layers have at most 9 of them in a row,
  // whose errors add up as squares: 1.8 %, doubled for what this leaves out.
  expect(Math.sqrt(error / norm)).toBeLessThan(0.036)
})
