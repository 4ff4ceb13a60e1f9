import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { readPeftConfig } from '../../lib/models/peft-config.js'
import { lora } from '../../lib/nn/lora.js'
import { refusal } from '../refusal.js'
import { temporaryDirectory, tinyGpt2, tinyLlama } from './fixture-models.js'
import { readFileTensors, writeFileTensors } from './safetensors-file.js'

const rows = [
  [1, 2, 3, 4, 5],
  [6, 7],
]
const batch = { inputIds: rows, labels: rows }
const families = [
  ['GPT-2', tinyGpt2, ['c_attn', 'c_proj']],
  ['Llama', tinyLlama, ['q_proj', 'down_proj', 'embed_tokens']],
] as const

async function logits(model: Model): Promise<Float32Array> {
  return (await model.forward(batch)).logits.data
}

async function train(model: Model, steps = 3): Promise<void> {
  const optimizer = model.optimizer({ learningRate: 5e-2 })
  for (let i = 0; i < steps; i++) await optimizer.step(batch)
}

/** The largest difference, as a share of the largest number. */
function distance(actual: Float32Array, expected: Float32Array): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / scale
}

describe.each(families)('LoRA on %s', (_, config, targets) => {
  test('changes nothing at first, then is all that is trained', async () => {
    await using model = await Model.fromConfig(config, { dropout: false })
    const base = [...model.parameters()].map(({ name }) => name)
    const before = await logits(model)
    await model.addAdapter(lora({ rank: 2, targets, dropout: 0.1 }))
    expect(await logits(model)).toEqual(before)
    for (const { name, trainable } of model.parameters())
      expect([name, trainable]).toEqual([name, !base.includes(name)])
    const weights = await Promise.all(base.map((name) => model.read(name)))
    await train(model)
    expect(await logits(model)).not.toEqual(before)
    expect(await Promise.all(base.map((name) => model.read(name)))).toEqual(weights)
    await model.removeAdapter()
    expect(await logits(model)).toEqual(before)
    expect([...model.parameters()].map(({ name, trainable }) => [name, trainable])).toEqual(base.map((n) => [n, true]))
    await train(model)
  })

  test.each(['f32', 'bf16'] as const)('merges and unmerges exactly in %s', async (dtype) => {
    await using model = await Model.fromConfig(config, { dtype })
    await model.addAdapter(lora({ rank: 3, targets }))
    await train(model)
    const adapted = await logits(model)
    const weights = await Promise.all([...model.parameters()].map(({ name }) => model.read(name)))
    await model.mergeAdapter()
    const merged = await logits(model)
    const scale = Math.max(...adapted.map(Math.abs))
    const off = Math.max(...merged.map((value, i) => Math.abs(value - adapted[i]!)))
    // Merging rounds the weights once: a few steps of the dtype's 24 or 8 bits.
    expect(off / scale).toBeLessThan(dtype === 'f32' ? 1e-5 : 6e-2)
    await model.unmergeAdapter()
    expect(await logits(model)).toEqual(adapted)
    expect(await Promise.all([...model.parameters()].map(({ name }) => model.read(name)))).toEqual(weights)
  })

  test('is saved as PEFT does and loaded again', async () => {
    await using model = await Model.fromConfig(config)
    await model.addAdapter(lora({ rank: 2, alpha: 6, targets, rslora: true, dropout: 0.1 }))
    await train(model)
    const adapted = await logits(model)
    const directory = join(temporaryDirectory(), 'adapter')
    await model.save(directory)
    const names = [...readFileTensors(join(directory, 'adapter_model.safetensors')).keys()]
    expect(names.every((name) => name.startsWith('base_model.model.'))).toBe(true)
    expect(JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 6,
      lora_dropout: 0.1,
      use_rslora: true,
      bias: 'none',
      target_modules: targets,
    })
    await model.removeAdapter()
    await model.addAdapter(undefined, { from: directory })
    expect(await logits(model)).toEqual(adapted)
  })
})

describe.each([
  ['GPT-2', tinyGpt2, ['c_attn', 'c_proj']],
  ['Llama', tinyLlama, ['q_proj', 'down_proj']],
] as const)('DoRA on %s', (_, config, targets) => {
  test.each(['f32', 'bf16'] as const)('changes nothing at first, and never the base, in %s', async (dtype) => {
    await using model = await Model.fromConfig(config, { dtype, dropout: false })
    const base = [...model.parameters()].map(({ name }) => name)
    const weights = await Promise.all(base.map((name) => model.read(name)))
    const before = await logits(model)
    await model.addAdapter(lora({ rank: 2, targets, dropout: 0.1, dora: true }))
    // The quotient of magnitude and length is 1 but for its last bits.
    expect(distance(await logits(model), before)).toBeLessThan(dtype === 'f32' ? 1e-6 : 2e-2)
    const magnitudes = [...model.parameters()]
      .map(({ name }) => name)
      .filter((name) => name.endsWith('magnitude_vector'))
    expect(magnitudes.length).toBeGreaterThan(1)
    const start = await Promise.all(magnitudes.map((name) => model.read(name)))
    await train(model)
    for (const [i, name] of magnitudes.entries()) expect(await model.read(name)).not.toEqual(start[i])
    const adapted = await logits(model)
    expect(distance(adapted, before)).toBeGreaterThan(5e-2)
    expect(await Promise.all(base.map((name) => model.read(name)))).toEqual(weights)
    await model.mergeAdapter()
    expect(distance(await logits(model), adapted)).toBeLessThan(dtype === 'f32' ? 1e-5 : 6e-2)
    await model.unmergeAdapter()
    expect(await logits(model)).toEqual(adapted)
    const directory = join(temporaryDirectory(), 'adapter')
    await model.save(directory)
    await model.removeAdapter()
    expect(await logits(model)).toEqual(before)
    expect(await Promise.all(base.map((name) => model.read(name)))).toEqual(weights)
    await model.addAdapter(undefined, { from: directory })
    expect(await logits(model)).toEqual(adapted)
  })
})

describe('adapters of PEFT', () => {
  const good = {
    peft_type: 'LORA',
    r: 4,
    lora_alpha: 8,
    target_modules: ['q_proj'],
    bias: 'none',
    layers_to_transform: null,
  }

  test('are read with what does not matter', () => {
    const config = readPeftConfig({ ...good, megatron_core: 'megatron.core', loftq_config: {}, use_dora: false }, 'f')
    expect(config).toMatchObject({ type: 'lora', rank: 4, alpha: 8, dropout: 0, targets: ['q_proj'] })
  })

  test.each([
    ['peft_type', { peft_type: 'IA3' }],
    ['bias', { bias: 'most' }],
    ['use_dora', { use_dora: 'yes' }],
    ['modules_to_save', { modules_to_save: 'lm_head' }],
    ['layers_to_transform', { layers_to_transform: [1] }],
    ['something_new', { something_new: { a: 1 } }],
    ['r', { r: 0 }],
  ])('are refused by name: %s', (field, change) => {
    expect(refusal(() => readPeftConfig({ ...good, ...change }, 'f'))).toMatchObject({
      code: 'invalid-adapter',
      where: `f.${field}`,
    })
  })

  test('whose files do not fit are refused, and the model goes on without', async () => {
    await using model = await Model.fromConfig(tinyLlama)
    await model.addAdapter(lora({ rank: 2, targets: ['q_proj'] }))
    const directory = join(temporaryDirectory(), 'adapter')
    await model.save(directory)
    await model.removeAdapter()
    await expect(model.addAdapter(lora({ rank: 3, targets: ['q_proj'] }), { from: directory })).rejects.toMatchObject({
      code: 'invalid-adapter',
      message: expect.stringContaining('rank 2') as string,
    })
    const path = join(directory, 'adapter_model.safetensors')
    const tensors = readFileTensors(path)
    const [first] = tensors.keys()
    tensors.set('base_model.model.other', tensors.get(first!)!)
    tensors.delete(first!)
    rmSync(path)
    writeFileTensors(path, tensors)
    await expect(model.addAdapter(undefined, { from: directory })).rejects.toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringMatching(/missing: base_model.*\n.*superfluous: base_model\.model\.other/) as string,
    })
    rmSync(path)
    await expect(model.addAdapter(undefined, { from: directory })).rejects.toMatchObject({ code: 'file-not-found' })
    writeFileSync(join(directory, 'adapter_config.json'), '[]')
    await expect(model.addAdapter(undefined, { from: directory })).rejects.toMatchObject({ code: 'invalid-json' })
    await model.addAdapter(lora({ rank: 2, targets: ['q_proj'] }))
    expect(model.adapter).toMatchObject({ rank: 2 })
  })
})

describe('what makes no sense is refused', () => {
  test('a second adapter, one that is not there, unknown targets', async () => {
    await using model = await Model.fromConfig(tinyLlama)
    await expect(model.mergeAdapter()).rejects.toMatchObject({ code: 'invalid-option', where: 'adapter' })
    await expect(model.addAdapter(undefined)).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(model.addAdapter(lora({ targets: ['c_attn'] }))).rejects.toMatchObject({ code: 'no-match' })
    await model.addAdapter(lora())
    await expect(model.addAdapter(lora())).rejects.toMatchObject({ code: 'invalid-option', where: 'adapter' })
  })

  test('merging into a table that is the head too', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    await model.addAdapter(lora({ targets: ['wte'] }))
    await train(model)
    await expect(model.mergeAdapter()).rejects.toMatchObject({ code: 'invalid-adapter', where: 'transformer.wte' })
    await expect(model.save(temporaryDirectory(), { merge: true })).rejects.toMatchObject({ code: 'invalid-adapter' })
  })

  test('an adapter file for a model whose base was trained too', async () => {
    await using model = await Model.fromConfig(tinyLlama)
    await model.addAdapter(lora())
    model.setTrainable('all')
    await train(model, 1)
    await expect(model.save(temporaryDirectory())).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'save.merge',
    })
  })
})

test('all-linear is every linear but the head', async () => {
  await using model = await Model.fromConfig(tinyLlama)
  await model.addAdapter(lora({ rank: 1, rankPattern: { '1.mlp.up_proj': 2 } }))
  const adapters = [...model.parameters()].filter(({ name }) => name.endsWith('lora_A.weight'))
  expect(adapters).toHaveLength(2 * 7)
  const wide = adapters.filter(({ shape }) => shape[0] === 2).map(({ name }) => name)
  expect(wide).toEqual(['base_model.model.model.layers.1.mlp.up_proj.lora_A.weight'])
})
