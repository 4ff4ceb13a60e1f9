/** `trainableTokenIndices`: rows of the embedding, and of the head, that are trained beside an adapter. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora, type LoraOptions } from '../../lib/nn/lora.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { trainingEvents } from '../train/training-events.js'
import { temporaryDirectory, tinyGpt2, tinyLlama } from './fixture-models.js'

const rows = [
  [1, 2, 3, 30, 5, 9],
  [36, 7, 30],
]
const batch = { inputIds: rows, labels: rows }
const tokens = [36, 5, 30]
const tied = ['transformer.wte', tinyGpt2, ['c_attn'], tokens] as const
const both = ['model.embed_tokens', tinyLlama, ['q_proj'], { embed_tokens: tokens, lm_head: [3, 30] }] as const
const base = 'examples/models/attune-base'

async function logits(model: Model): Promise<Float32Array> {
  return (await model.forward(batch)).logits.data
}

async function train(model: Model, steps = 3): Promise<void> {
  const optimizer = model.optimizer({ learningRate: 5e-2 })
  for (let i = 0; i < steps; i++) await optimizer.step(batch)
}

function weights(model: Model, names: readonly string[]) {
  return Promise.all(names.map((name) => model.read(name)))
}

/** The largest difference, as a share of the largest number. */
function distance(actual: Float32Array, expected: Float32Array): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / scale
}

function rowName(path: string): string {
  return `base_model.model.${path}.token_adapter.trainable_tokens_delta`
}

describe.each([tied, both])('rows of tokens of %s', (path, config, targets, trainableTokenIndices) => {
  test.each(['f32', 'bf16'] as const)('alone change, and come off again to the bit, in %s', async (dtype) => {
    await using model = await Model.fromConfig(config, { dtype, dropout: false })
    const names = [...model.parameters()].map(({ name }) => name)
    const [original, before] = [await weights(model, names), await logits(model)]
    await model.addAdapter(lora({ rank: 2, targets, trainableTokenIndices }))
    // A head with a bias would round once more in bf16; these have none.
    expect(await logits(model)).toEqual(before)
    const table = original[names.indexOf(`${path}.weight`)]!
    const [, features = 0] = table.shape
    const start = await model.read(rowName(path))
    expect(start.shape).toEqual([tokens.length, features])
    for (const [i, id] of tokens.entries()) {
      const row = table.data.subarray(id * features, (id + 1) * features)
      expect(start.data.subarray(i * features, (i + 1) * features)).toEqual(row)
    }
    await train(model)
    expect(await weights(model, names)).toEqual(original)
    const trained = await model.read(rowName(path))
    const moved = tokens.map((_, i) =>
      distance(
        trained.data.subarray(i * features, (i + 1) * features),
        start.data.subarray(i * features, (i + 1) * features),
      ),
    )
    expect(Math.min(...moved)).toBeGreaterThan(1e-2)
    const adapted = await logits(model)
    expect(await model.withoutAdapter(() => logits(model))).toEqual(before)

    await model.mergeAdapter()
    const merged = (await model.read(`${path}.weight`)).data
    for (let id = 0; id < table.shape[0]!; id++) {
      const at = [id * features, (id + 1) * features] as const
      const same = Buffer.from(merged.slice(...at).buffer).equals(Buffer.from(table.data.slice(...at).buffer))
      expect([id, same]).toEqual([id, !tokens.includes(id)])
    }
    // The low-rank part is rounded once as it is merged; the rows are not changed by it.
    expect(distance(await logits(model), adapted)).toBeLessThan(dtype === 'f32' ? 1e-5 : 6e-2)
    await model.unmergeAdapter()
    expect(await logits(model)).toEqual(adapted)
    await model.removeAdapter()
    expect(await logits(model)).toEqual(before)
    expect(await weights(model, names)).toEqual(original)
  })

  test('are saved, loaded, merged into a saved model and used in decoding', async () => {
    await using model = await Model.fromConfig(config, { dropout: false })
    await model.addAdapter(lora({ rank: 2, targets, trainableTokenIndices }))
    await train(model)
    const adapted = await logits(model)
    const [alone, whole] = [temporaryDirectory(), temporaryDirectory()]
    await model.save(alone)
    await model.save(whole, { merge: true })
    const decoder = model.decoder({ slots: 1, capacity: 16 })
    const last = await decoder.step({ inputIds: [rows[0]!], slots: [0], lengths: [0] })
    decoder.dispose()
    const vocabulary = config.vocab_size
    expect(distance(last.data, adapted.subarray(5 * vocabulary, 6 * vocabulary))).toBeLessThan(1e-5)
    await model.removeAdapter()
    await model.addAdapter(undefined, { from: alone })
    expect(await logits(model)).toEqual(adapted)
    await using merged = await Model.load(whole)
    expect(distance(await logits(merged), adapted)).toBeLessThan(1e-5)
  })

  test.each(['f32', 'bf16'] as const)('take as much memory as was planned, in %s', async (dtype) => {
    await using model = await Model.fromConfig(config, { dtype })
    const sizes = model.batchSizes(batch)
    const plain = lora({ rank: 2, targets })
    const withRows = lora({ rank: 2, targets, trainableTokenIndices })
    const planned = model.planAs({ adapter: withRows }, sizes)
    const counted = (Array.isArray(trainableTokenIndices) ? 3 : 5) * 12
    const less = model.planAs({ adapter: plain }, sizes)
    expect(planned.optimizer - less.optimizer).toBe(8 * counted)
    expect(planned.gradients - less.gradients).toBe(4 * counted)
    await model.addAdapter(withRows)
    expect(model.plan(sizes)).toEqual(planned)
    await train(model, 1)
    expect(model.memory()).toEqual(planned)
  })
})

test('a bias of the head counts for rows of tokens as for others', async () => {
  const config = { model_type: 'bert', vocab_size: 37, hidden_size: 12, intermediate_size: 20, num_hidden_layers: 1, num_attention_heads: 3, max_position_embeddings: 16, initializer_range: 0.1 } // prettier-ignore
  await using model = await Model.fromConfig(config, { task: 'masked-lm', dropout: false })
  const bias = [...model.parameters()].find(({ name, shape }) => name.endsWith('bias') && shape[0] === 37)!
  await model.write(
    bias.name,
    Array.from({ length: 37 }, (_, i) => Math.sin(i)),
  )
  const [before, loss] = [await logits(model), (await model.evaluateBatch(batch)).lossSum]
  await model.addAdapter(lora({ rank: 2, targets: ['query'], trainableTokenIndices: tokens }))
  expect(distance(await logits(model), before)).toBeLessThan(1e-6)
  expect((await model.evaluateBatch(batch)).lossSum).toBeCloseTo(loss, 4)
})

describe("'added'", () => {
  const addTokens = ['<order>', '<client>']

  test('are the tokens that came to the vocabulary, and go with the adapter', async () => {
    await using model = await Model.load(base, { addTokens })
    await model.addAdapter(lora({ rank: 2, trainableTokenIndices: 'added' }))
    const ids = await Promise.all(addTokens.map(async (token) => (await model.tokenizer()).tokenToId(token)!))
    const [order = 0] = ids
    const texts = { inputIds: [[5, order, 7]], labels: [[5, order, 7]] }
    await model.optimizer({ learningRate: 1e-2 }).step(texts)
    const directory = temporaryDirectory()
    await model.save(directory)
    const stored = JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8')) as Record<string, unknown>
    expect(stored['trainable_token_indices']).toEqual(ids)
    await using again = await Model.load(base, { adapter: directory })
    expect((await again.forward(texts)).logits).toEqual((await model.forward(texts)).logits)
  })

  test('go on from a checkpoint as if nothing had happened', async () => {
    const first = (await Tokenizer.load(base)).vocabSize
    const train = Array.from({ length: 6 }, (_, i) => [5 + i, first, 7, first + 1, 9 + i]).map((ids) => ({
      inputIds: ids,
      labels: ids,
    }))
    const output = temporaryDirectory()
    const adapter = lora({ rank: 2, dropout: 0.1, trainableTokenIndices: 'added' })
    const run = async (more: Partial<TrainOptions>, stopAfter?: number) => {
      await using model = await Model.load(base, { addTokens })
      const options = { train, adapter, epochs: 2, batchSize: 2, learningRate: 1e-2, ...more }
      const events = await trainingEvents(model, options, stopAfter)
      const losses = events.flatMap((event) => (event.type === 'step' && event.step > 2 ? [event.loss] : []))
      return { losses, rows: await model.read(rowName('model.embed_tokens')) }
    }
    const whole = await run({})
    await run({ output }, 2)
    const rest = await run({ output, resume: 'auto' })
    expect(rest.losses).toHaveLength(4)
    expect(rest).toEqual(whole)
  })

  test('are refused where there are none', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const refused = model.addAdapter(lora({ trainableTokenIndices: 'added' }))
    await expect(refused).rejects.toMatchObject({ code: 'no-match', where: 'adapter.trainableTokenIndices' })
  })
})

describe('rows of tokens are refused', () => {
  const where = 'adapter.trainableTokenIndices'

  test.each<[string, LoraOptions, string, RegExp]>([
    ['beyond the vocabulary', { trainableTokenIndices: [37] }, 'invalid-option', /37 rows.*no token 37/],
    ['twice', { trainableTokenIndices: [4, 4] }, 'invalid-option', /Token 4 is listed twice/],
    ['of an unknown table', { trainableTokenIndices: { wta: [1] } }, 'no-match', /No table is named "wta".*wte/],
    [
      'of a table trained whole',
      { trainableTokenIndices: [1], modulesToSave: ['wte'] },
      'invalid-option',
      /trained whole/,
    ],
    ['of a target', { trainableTokenIndices: [1], targets: ['wte'] }, 'invalid-option', /targets/],
    [
      'of a tied head, others than its embedding’s',
      { trainableTokenIndices: { wte: [1], lm_head: [2] } },
      'invalid-option',
      /tied head/,
    ],
  ])('%s', async (_, options, code, message) => {
    await using model = await Model.fromConfig(tinyGpt2)
    const refused = model.addAdapter(lora({ rank: 2, targets: ['c_attn'], ...options }))
    await expect(refused).rejects.toMatchObject({ code, where, message: expect.stringMatching(message) as string })
  })

  test('as no list of ids', () => {
    for (const wrong of [[], [-1], [1.5], 'some', { wte: [] }]) {
      expect(() => lora({ trainableTokenIndices: wrong as readonly number[] })).toThrowError(
        expect.objectContaining({
          code: 'invalid-option',
          where: expect.stringContaining('trainableTokenIndices') as string,
        }) as Error,
      )
    }
  })

  test('not where a tied head is named beside its embedding, with the same tokens', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    await model.addAdapter(lora({ rank: 2, trainableTokenIndices: { wte: [1, 5], lm_head: [1, 5] } }))
    const added = [...model.parameters()].filter(({ name }) => name.includes('token_adapter'))
    expect(added.map(({ name }) => name)).toEqual([rowName('transformer.wte')])
  })
})
