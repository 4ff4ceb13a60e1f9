import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { copyOfModel, fixtureModel, temporaryDirectory } from './fixture-models.js'
import { readFileTensors, writeFileTensors, type TensorBytes } from './safetensors-file.js'

const batch = { inputIds: [[1, 2, 3, 4, 5], [6]] }

async function logitsOf(directory: string): Promise<Float32Array> {
  await using model = await Model.load(directory)
  return (await model.forward(batch)).logits.data
}

/** Writes the model's tensors anew, changed. */
function rewrite(directory: string, change: (tensors: Map<string, TensorBytes>) => void): void {
  const path = join(directory, 'model.safetensors')
  const tensors = readFileTensors(path)
  change(tensors)
  rmSync(path)
  writeFileTensors(path, tensors)
}

describe('a directory', () => {
  test('gives Hugging Face’s names; a tied head is the embedding', async () => {
    await using model = await Model.load(fixtureModel('gpt2'))
    const parameters = [...model.parameters()]
    expect(parameters).toHaveLength(28)
    expect(parameters[0]).toEqual({ name: 'transformer.wte.weight', shape: [384, 48], dtype: 'f32', trainable: true })
    expect(await model.read('lm_head.weight')).toEqual(await model.read('transformer.wte.weight'))
    await expect(model.read('transformer.wte.wieght')).rejects.toMatchObject({
      code: 'no-match',
      message: expect.stringContaining('transformer.wte.weight') as string,
    })
  })

  test('in shards is the same model', async () => {
    const directory = copyOfModel('llama')
    const whole = await logitsOf(directory)
    const path = join(directory, 'model.safetensors')
    const tensors = [...readFileTensors(path)]
    rmSync(path)
    const weightMap: Record<string, string> = {}
    for (const [shard, part] of [tensors.slice(0, 7), tensors.slice(7)].entries()) {
      const name = `model-0000${shard + 1}-of-00002.safetensors`
      writeFileTensors(join(directory, name), new Map(part))
      for (const [tensor] of part) weightMap[tensor] = name
    }
    const index = join(directory, 'model.safetensors.index.json')
    writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: weightMap }))
    expect(await logitsOf(directory)).toEqual(whole)

    rmSync(join(directory, 'model-00002-of-00002.safetensors'))
    await expect(Model.load(directory)).rejects.toMatchObject({ code: 'file-not-found' })
    writeFileSync(index, JSON.stringify({ weight_map: { a: '../elsewhere.safetensors' } }))
    await expect(Model.load(directory)).rejects.toMatchObject({ code: 'invalid-file', where: index })
  })

  test('may have names without prefix, causal masks, and a head though tied', async () => {
    const directory = copyOfModel('gpt2')
    const whole = await logitsOf(directory)
    rewrite(directory, (tensors) => {
      const all = [...tensors]
      tensors.clear()
      for (const [name, tensor] of all) tensors.set(name.replace('transformer.', ''), tensor)
      const mask = { dtype: 'U8', shape: [1, 1, 8, 8], data: new Uint8Array(64) }
      tensors.set('h.0.attn.bias', mask)
      tensors.set('h.0.attn.masked_bias', { dtype: 'F32', shape: [], data: new Uint8Array(4) })
      tensors.set('lm_head.weight', tensors.get('wte.weight')!)
    })
    expect(await logitsOf(directory)).toEqual(whole)
  })
})

test('a head that the file holds stands alone, whatever the configuration says, unless it is the embedding', async () => {
  const own = copyOfModel('gpt2')
  rewrite(own, (tensors) => {
    const table = tensors.get('transformer.wte.weight')!
    tensors.set('lm_head.weight', { ...table, data: Buffer.from(table.data).fill(0, 0, 64) })
  })
  await using model = await Model.load(own)
  expect(model.definition.tied).toBe(false)
  const [head, table] = [await model.read('lm_head.weight'), await model.read('transformer.wte.weight')]
  expect(head.data.subarray(0, 16)).toEqual(new Float32Array(16))
  expect(head.data.subarray(16)).toEqual(table.data.subarray(16))

  const same = copyOfModel('gpt2')
  rewrite(same, (tensors) => tensors.set('lm_head.weight', tensors.get('transformer.wte.weight')!))
  await using tied = await Model.load(same)
  expect(tied.definition.tied).toBe(true)
})

describe('what is wrong with a directory is said', () => {
  test('nothing there', async () => {
    const directory = join(temporaryDirectory(), 'none')
    await expect(Model.load(directory)).rejects.toMatchObject({
      code: 'file-not-found',
      where: join(directory, 'config.json'),
    })
  })

  test('no JSON', async () => {
    const directory = copyOfModel('gpt2')
    writeFileSync(join(directory, 'config.json'), '{"model_type": ')
    await expect(Model.load(directory)).rejects.toMatchObject({ code: 'invalid-json' })
  })

  test('no weights, or pickled ones', async () => {
    const directory = copyOfModel('gpt2')
    renameSync(join(directory, 'model.safetensors'), join(directory, 'other.safetensors'))
    await expect(Model.load(directory)).rejects.toMatchObject({ code: 'file-not-found' })
    writeFileSync(join(directory, 'pytorch_model.bin'), '')
    await expect(Model.load(directory)).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringMatching(/pytorch_model\.bin.*save_pretrained/) as string,
    })
  })

  test('every missing, superfluous and wrongly shaped tensor at once', async () => {
    const directory = copyOfModel('llama')
    rewrite(directory, (tensors) => {
      tensors.delete('model.norm.weight')
      tensors.delete('lm_head.weight')
      tensors.set('model.extra', { dtype: 'F32', shape: [1], data: new Uint8Array(4) })
      tensors.set('model.layers.0.mlp.up_proj.weight', { dtype: 'F32', shape: [1, 1], data: new Uint8Array(4) })
      tensors.set('model.layers.1.input_layernorm.weight', { dtype: 'I32', shape: [48], data: new Uint8Array(192) })
    })
    const error = await Model.load(directory).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'weights-mismatch', where: directory })
    const { message } = error as Error
    for (const line of [
      'missing: model.norm.weight [48]',
      'missing: lm_head.weight [400, 48]',
      'superfluous: model.extra [1]',
      'shape: model.layers.0.mlp.up_proj.weight should be [104, 48] but is [1, 1]',
      'dtype: model.layers.1.input_layernorm.weight should be f32, f16, bf16 or f64 but is I32',
    ]) {
      expect(message).toContain(line)
    }
  })

  test('a truncated or lying file', async () => {
    const directory = copyOfModel('gpt2')
    const path = join(directory, 'model.safetensors')
    const bytes = readFileSync(path)
    for (const broken of [bytes.subarray(0, bytes.length - 8), bytes.subarray(0, 100), Buffer.alloc(0)]) {
      rmSync(path)
      writeFileSync(path, broken)
      await expect(Model.load(directory)).rejects.toMatchObject({ code: 'invalid-safetensors' })
    }
    copyFileSync(join(fixtureModel('gpt2'), 'model.safetensors'), path)
    expect(await logitsOf(directory)).toEqual(await logitsOf(fixtureModel('gpt2')))
  })
})

test('a model that was disposed of says so', async () => {
  const model = await Model.load(fixtureModel('gpt2'))
  model.dispose()
  model.dispose()
  await expect(model.forward(batch)).rejects.toMatchObject({ code: 'disposed' })
  await expect(model.save(temporaryDirectory())).rejects.toMatchObject({ code: 'disposed' })
  expect(() => model.optimizer()).toThrowError(/disposed/)
})
