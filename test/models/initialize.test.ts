import { expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { fixtureConfig, fixtureModel, tinyLlama } from './fixture-models.js'

function moments(data: Float32Array): { mean: number; std: number } {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length
  return { mean, std: Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length) }
}

test('GPT-2 starts as in transformers: normal, residual projections smaller, norms one, biases zero', async () => {
  await using model = await Model.fromConfig(fixtureModel('gpt2'), { seed: 1 })
  for (const { name, shape } of model.parameters()) {
    const { data } = await model.read(name)
    if (name.endsWith('bias')) expect(data.every((value) => value === 0)).toBe(true)
    else if (name.includes('ln_')) expect(data.every((value) => value === 1)).toBe(true)
    else {
      const expected = 0.02 * (name.endsWith('c_proj.weight') ? 1 / Math.sqrt(2 * 2) : 1)
      const { mean, std } = moments(data)
      const count = shape[0]! * shape[1]!
      // Five standard errors.
      expect(Math.abs(mean)).toBeLessThan((5 * expected) / Math.sqrt(count))
      expect(Math.abs(std / expected - 1)).toBeLessThan(5 / Math.sqrt(2 * count))
    }
  }
})

test('Llama’s padding row starts as zeros', async () => {
  await using model = await Model.fromConfig(fixtureConfig('llama'))
  const { data } = await model.read('model.embed_tokens.weight')
  const row = data.subarray(394 * 48, 395 * 48)
  expect(row.every((value) => value === 0)).toBe(true)
  expect(moments(data).std).toBeCloseTo(0.02, 2)
})

test('the seed decides', async () => {
  const weight = async (seed: number) => {
    await using model = await Model.fromConfig(tinyLlama, { seed })
    return (await model.read('lm_head.weight')).data
  }
  expect(await weight(1)).toEqual(await weight(1))
  expect(await weight(1)).not.toEqual(await weight(2))
})

test('LoRA starts as in PEFT', async () => {
  await using model = await Model.fromConfig(fixtureConfig('llama'))
  await model.addAdapter(lora({ rank: 8, targets: ['up_proj', 'embed_tokens'] }))
  const read = async (name: string) => (await model.read(`base_model.model.model.${name}`)).data
  const a = await read('layers.0.mlp.up_proj.lora_A.weight')
  expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(48))
  expect(moments(a).std).toBeCloseTo(1 / Math.sqrt(48) / Math.sqrt(3), 2)
  expect((await read('layers.0.mlp.up_proj.lora_B.weight')).every((value) => value === 0)).toBe(true)
  expect((await read('embed_tokens.lora_embedding_A')).every((value) => value === 0)).toBe(true)
  expect(Math.abs(moments(await read('embed_tokens.lora_embedding_B')).std - 1)).toBeLessThan(5 / Math.sqrt(2 * 8 * 48))
})
