/** Runs on datasets: encoded for the model's task, with masks that are drawn anew each epoch. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { allWeights } from '../tiny-model.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'
import { trainingEvents } from './training-events.js'

let letters: string
let tokenizer: Tokenizer
let directory: string
beforeAll(async () => {
  letters = await writeLetterTokenizer()
  tokenizer = await Tokenizer.load(letters)
})
afterAll(() => rm(letters, { recursive: true, force: true }))
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-datasets-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function bert(options: ModelOptions): Promise<Model> {
  const size = { vocab_size: tokenizer.vocabSize, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 }
  const config = { model_type: 'bert', ...size, num_attention_heads: 2, max_position_embeddings: 24 }
  return Model.fromConfig(config, { seed: 1, threads: 2, ...options })
}

const run = (model: Model, options: TrainOptions, stopAfter?: number): Promise<TrainingEvent[]> =>
  trainingEvents(model, { tokenizer, ...options }, stopAfter)

function losses(events: readonly TrainingEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))
}

const texts = Dataset.from(Array.from({ length: 16 }, (_, i) => ({ text: `abcdefg${'hij'.slice(i % 3)} klm` })))
const pairs = Dataset.from(
  Array.from({ length: 12 }, (_, i) => {
    const word = 'abcdefghijkl'.slice(i, i + 1)
    return { anchor: `${word} x`, positive: `y ${word}`, ...(i % 4 === 0 ? { negative: 'zz' } : {}) }
  }),
)
const tones = Dataset.from(
  Array.from({ length: 24 }, (_, i) => ({
    text: i % 3 === 0 ? `a${'bc'.slice(i % 2)}` : `z${'yx'.slice(i % 2)}`,
    label: i % 3 === 0 ? 'good' : 'bad',
  })),
)

describe('a masked model', () => {
  // So small a rate changes no weight: what differs is the masks.
  const still = { train: texts, batchSize: 16, epochs: 3, learningRate: 1e-30, shuffle: false, weightDecay: 0 } as const

  it('sees other masks in each epoch, the same ones for the same seed', async () => {
    const seen = async (seed: number) => {
      await using model = await bert({ task: 'masked-lm', dropout: false })
      return losses(await run(model, { ...still, seed }))
    }
    const first = await seen(1)
    expect(new Set(first).size).toBe(3)
    expect(await seen(1)).toEqual(first)
    expect(await seen(2)).not.toEqual(first)
  })

  it.each([
    ['masks', { task: 'masked-lm' }, texts],
    ['pairs', { task: 'embedding' }, pairs],
  ] as const)('goes on with the same bits, in another epoch: %s', async (_, options, train) => {
    const common = { train, epochs: 4, batchSize: 4, learningRate: 1e-2, checkpointEvery: 100 } as const
    await using whole = await bert(options)
    const events = await run(whole, common)
    const output = join(directory, 'out')
    await using begun = await bert(options)
    const step = Math.floor(losses(events).length / 2) + 1
    await run(begun, { ...common, output }, step)
    await using ended = await bert(options)
    const rest = await run(ended, { ...common, output, resume: 'auto' })
    expect(losses(rest)).toEqual(losses(events).slice(step))
    expect(await allWeights(ended)).toEqual(await allWeights(whole))
  })

  it('does not go on with other masks', async () => {
    const output = join(directory, 'out')
    await using model = await bert({ task: 'masked-lm' })
    await run(model, { train: texts, output }, 1)
    await using other = await bert({ task: 'masked-lm' })
    await expect(run(other, { train: texts, output, resume: 'auto', maskProbability: 0.3 })).rejects.toMatchObject({
      code: 'invalid-checkpoint',
    })
  })
})

describe('a classifier', () => {
  it('learns labels by their names', async () => {
    await using model = await bert({ task: 'sequence-classification', labels: ['bad', 'good'], dropout: false })
    const events = await run(model, { train: tones, validation: tones, epochs: 10, learningRate: 2e-2 })
    const evaluations = events.filter((event) => event.type === 'evaluation')
    expect(evaluations.at(-1)?.metrics.accuracy).toBe(1)
  })

  it('refuses a label that it does not have, naming the row', async () => {
    await using model = await bert({ task: 'sequence-classification', labels: ['bad', 'fine'] })
    await expect(plan(model, tones, { tokenizer })).rejects.toMatchObject({ code: 'unknown-label', where: 'row 0' })
    await expect(plan(model, texts, { tokenizer })).rejects.toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
  })
})

describe('embeddings', () => {
  it.each(['mean', 'cls'] as const)('pooled by %s count pairs, in the memory that was planned', async (pooling) => {
    await using model = await bert({ task: 'embedding', pooling })
    const events = await run(model, { train: pairs, epochs: 2, batchSize: 5, learningRate: 1e-2 })
    const [start] = events
    if (start?.type !== 'start') throw new Error('no start')
    expect(start).toMatchObject({ rows: 12, labelledTokens: 12 })
    expect(start.largestBatch).toMatchObject({ rows: 5 })
    const used = Math.max(...events.flatMap((event) => (event.type === 'step' ? [event.memory] : [])))
    expect(Math.abs(used - start.memory.total) / start.memory.total).toBeLessThan(0.05)
    expect(losses(events).at(-1)).toBeLessThan(losses(events)[0]!)
  })
})
