import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { refusal } from '../refusal.js'
import { copyOfModel, fixtureModel, temporaryDirectory, tinyLlama } from './fixture-models.js'
import { readFileTensors } from './safetensors-file.js'

const batch = { inputIds: [[1, 2, 3]] }

function configOf(directory: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as Record<string, unknown>
}

describe('a saved model', () => {
  test.each(['gpt2', 'llama'] as const)('is the same model again: %s', async (name) => {
    const directory = join(temporaryDirectory(), 'deep', 'saved')
    await using model = await Model.load(fixtureModel(name))
    await model.save(directory)
    const original = readFileTensors(join(fixtureModel(name), 'model.safetensors'))
    const saved = readFileTensors(join(directory, 'model.safetensors'))
    expect([...saved.keys()].sort()).toEqual([...original.keys()].sort())
    for (const [tensor, { dtype, shape, data }] of saved) {
      expect([tensor, dtype, shape]).toEqual([tensor, 'F32', original.get(tensor)!.shape])
      expect(Buffer.compare(data, original.get(tensor)!.data)).toBe(0)
    }
    expect(configOf(directory)).toEqual(configOf(fixtureModel(name)))
    expect(readdirSync(dirname(directory))).toEqual(['saved'])
  })

  test.each([
    ['bf16', 'bfloat16', 'BF16', 2 ** -8],
    ['f16', 'float16', 'F16', 2 ** -11],
  ] as const)('in %s says so and is near', async (dtype, torch, stored, epsilon) => {
    const directory = temporaryDirectory()
    await using model = await Model.load(fixtureModel('llama'))
    await model.save(directory, { dtype })
    expect(configOf(directory)).toMatchObject({ torch_dtype: torch })
    expect(configOf(directory)).not.toHaveProperty('dtype')
    expect(readFileTensors(join(directory, 'model.safetensors')).get('lm_head.weight')!.dtype).toBe(stored)
    await using again = await Model.load(directory)
    const [a, b] = [await model.read('lm_head.weight'), await again.read('lm_head.weight')]
    a.data.forEach((value, i) => {
      expect(Math.abs(value - b.data[i]!)).toBeLessThanOrEqual(epsilon * Math.abs(value) + 1e-7)
    })
  })

  test('brings the tokenizer and the generation settings along', async () => {
    const source = copyOfModel('gpt2')
    for (const name of ['tokenizer.json', 'merges.txt', 'generation_config.json', 'other.bin']) {
      writeFileSync(join(source, name), '{}')
    }
    const directory = join(temporaryDirectory(), 'saved')
    await using model = await Model.load(source)
    await model.save(directory)
    expect(readdirSync(directory).sort()).toEqual(
      ['config.json', 'generation_config.json', 'merges.txt', 'model.safetensors', 'tokenizer.json'].sort(),
    )
  })

  test('takes the place of an earlier one, and leaves what is not its own', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    writeFileSync(join(directory, 'model.safetensors.index.json'), '{}')
    writeFileSync(join(directory, 'model.safetensors'), 'old')
    await using model = await Model.fromConfig(tinyLlama)
    await model.save(directory)
    expect(readdirSync(directory).sort()).toEqual(['config.json', 'model.safetensors', 'notes.txt'])
    await using again = await Model.load(directory)
    expect((await again.forward(batch)).logits).toEqual((await model.forward(batch)).logits)
  })

  test('keeps whole numbers that transformers wants as floats', async () => {
    const directory = temporaryDirectory()
    const rope_scaling = { rope_type: 'linear', factor: 2 }
    await using model = await Model.fromConfig({ ...tinyLlama, rope_scaling, initializer_factor: 1 })
    await model.save(directory)
    const text = readFileSync(join(directory, 'config.json'), 'utf8')
    expect(text).toMatch(/"initializer_factor": 1\.0,?$/m)
    expect(text).toMatch(/"factor": 2\.0,?$/m)
    expect(configOf(directory)).toMatchObject({ rope_scaling, initializer_factor: 1 })
  })

  test('made from a configuration has an architecture', async () => {
    const directory = temporaryDirectory()
    await using model = await Model.fromConfig(tinyLlama)
    await model.save(directory)
    expect(configOf(directory)).toMatchObject({ architectures: ['LlamaForCausalLM'], dtype: 'float32' })
  })
})

describe('saving says what is wrong', () => {
  test('with the options', async () => {
    await using model = await Model.fromConfig(tinyLlama)
    const error = (options: object) => refusal(() => void model.save(temporaryDirectory(), options))
    expect(error({ format: 'gguf' })).toMatchObject({ code: 'invalid-option', where: 'save.format' })
    expect(error({ dtype: 'i8' })).toMatchObject({ code: 'invalid-option', where: 'save.dtype' })
    expect(error({ merged: true })).toMatchObject({ code: 'invalid-option', where: 'save.merged' })
  })

  test('with the place, and leaves nothing behind', async () => {
    const parent = temporaryDirectory()
    const file = join(parent, 'file')
    writeFileSync(file, '')
    await using model = await Model.fromConfig(tinyLlama)
    await expect(model.save(file)).rejects.toMatchObject({ code: 'file-write-failed', where: file })
    await expect(model.save(join(file, 'inside'))).rejects.toMatchObject({ code: 'file-write-failed' })
    expect(readdirSync(parent)).toEqual(['file'])
    mkdirSync(join(parent, 'empty'))
    await model.save(join(parent, 'empty'))
    expect(existsSync(join(parent, 'empty', 'config.json'))).toBe(true)
  })
})
