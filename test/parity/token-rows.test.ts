/** LoRA with rows of tokens trained beside it, against numbers that PEFT gave (see token-rows/make-cases.py). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { temporaryDirectory } from '../models/fixture-models.js'
import { readFileTensors } from '../models/safetensors-file.js'
import { Bounds } from './tensors.js'

type Numbers = Readonly<Record<string, readonly number[]>>

interface TokenRowsCase {
  readonly trainable_token_indices: readonly number[] | Numbers
  readonly input_ids: readonly (readonly number[])[]
  readonly learning_rate: number
  readonly logits: readonly (readonly number[])[]
  readonly gradient_norms: Readonly<Record<string, number>>
  readonly gradients: Numbers
  readonly losses: readonly number[]
  readonly after: Numbers
}

const folder = join(import.meta.dirname, 'token-rows')
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

function readCase(name: string): TokenRowsCase {
  return JSON.parse(readFileSync(join(folder, name, 'case.json'), 'utf8')) as TokenRowsCase
}

function adapted(name: string): Promise<Model> {
  return Model.load(join(folder, name), { adapter: join(folder, name, 'adapter'), dropout: false, threads: 2 })
}

describe('rows of tokens as PEFT trains them', () => {
  test.each(names)('%s', async (name) => {
    const given = readCase(name)
    await using model = await adapted(name)
    const batch = { inputIds: given.input_ids, labels: given.input_ids }
    const bounds = new Bounds()
    const { logits } = await model.forward(batch)
    const wanted = given.logits.flat()
    bounds.near('logits', logits.data, wanted, 2e-5 * Math.max(...wanted.map(Math.abs)))
    const { gradients } = await model.gradients(batch)
    expect([...gradients.keys()].sort()).toEqual(Object.keys(given.gradient_norms).sort())
    const largest = Math.max(...Object.values(given.gradient_norms))
    for (const [parameter, norm] of Object.entries(given.gradient_norms)) {
      bounds.near(parameter, Math.hypot(...gradients.get(parameter)!.data), norm, 1e-4 * norm + 1e-6 * largest)
    }
    for (const [parameter, values] of Object.entries(given.gradients)) {
      const size = Math.max(...values.map(Math.abs))
      bounds.near(`gradient of ${parameter}`, gradients.get(parameter)!.data, values, 1e-4 * size)
    }
    const optimizer = model.optimizer({ learningRate: given.learning_rate, weightDecay: 0 })
    for (const [step, loss] of given.losses.entries()) {
      bounds.near(`loss ${step}`, (await optimizer.step(batch)).loss, loss, 2e-5 * loss)
    }
    for (const [parameter, values] of Object.entries(given.after)) {
      bounds.near(`${parameter} after`, (await model.read(parameter)).data, values, 0.02 * given.learning_rate)
    }
    expect(bounds.violations).toEqual([])
    expect(Object.keys(given.after).length).toBeGreaterThan(0)
  })

  test.each(names)('%s is saved under PEFT’s names', async (name) => {
    await using model = await adapted(name)
    const directory = temporaryDirectory()
    await model.save(directory)
    const file = 'adapter_model.safetensors'
    const [ours, theirs] = [directory, join(folder, name, 'adapter')].map((at) => readFileTensors(join(at, file)))
    expect([...ours!.keys()].sort()).toEqual([...theirs!.keys()].sort())
    for (const [tensor, values] of theirs!) expect(ours!.get(tensor)).toEqual(values)
    const stored = JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8')) as Record<string, unknown>
    const { trainable_token_indices: indices } = readCase(name)
    const paths = { embed_tokens: 'model.embed_tokens', lm_head: 'lm_head' } as Record<string, string>
    const isList = (value: readonly number[] | Numbers): value is readonly number[] => Array.isArray(value)
    const whole: unknown = isList(indices)
      ? indices
      : Object.fromEntries(Object.entries(indices).map(([module, ids]) => [paths[module], ids]))
    expect(stored['trainable_token_indices']).toEqual(whole)
  })
})
