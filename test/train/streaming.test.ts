/** Runs on streams: the same rows in the same order, gone on with exactly, and nothing that needs all rows. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { streamDataset } from '../../lib/data/row-stream.js'
import { AttuneError } from '../../lib/errors.js'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { Trainer } from '../../lib/train/trainer.js'
import { allWeights } from '../tiny-model.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

let letters: string
let tokenizer: Tokenizer
let directory: string
beforeAll(async () => {
  letters = await writeLetterTokenizer()
  tokenizer = await Tokenizer.load(letters)
})
afterAll(() => rm(letters, { recursive: true, force: true }))
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-streaming-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function bert(options: ModelOptions): Promise<Model> {
  const size = { vocab_size: tokenizer.vocabSize, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 }
  const config = { model_type: 'bert', ...size, num_attention_heads: 2, max_position_embeddings: 24 }
  return Model.fromConfig(config, { seed: 1, threads: 2, ...options })
}

interface Course {
  readonly events: TrainingEvent[]
  readonly losses: number[]
  readonly error: AttuneError | undefined
}

/** A whole run, or what there was of it before an abort or an error. */
async function run(model: Model, options: TrainOptions, stopAfter = Infinity): Promise<Course> {
  const events: TrainingEvent[] = []
  const controller = new AbortController()
  let error: AttuneError | undefined
  try {
    for await (const event of new Trainer(model, { tokenizer, ...options }).run({ signal: controller.signal })) {
      events.push(event)
      if (event.type === 'step' && event.step === stopAfter) controller.abort()
    }
  } catch (thrown) {
    if (!(thrown instanceof AttuneError)) throw thrown
    error = thrown
  }
  return { events, losses: events.flatMap((event) => (event.type === 'step' ? [event.loss] : [])), error }
}

const word = (i: number): string => 'abcdefghijklmnopqrst'.slice(i % 13, (i % 13) + 2 + (i % 5))
const rows = (count: number): string[] => Array.from({ length: count }, (_, i) => JSON.stringify({ text: word(i) }))
const labelled = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: word(i), label: i % 3 === 0 ? 'good' : 'bad' }))

async function file(name: string, lines: readonly string[]): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, lines.join('\n'))
  return path
}

describe('a run on a stream', () => {
  it('in file order is the run on the same rows as a dataset', async () => {
    const path = await file(
      'rows.jsonl',
      labelled(90).map((row) => JSON.stringify(row)),
    )
    const options = { task: 'sequence-classification', labels: ['bad', 'good'] } as const
    const common = { batchSize: 4, gradientAccumulationSteps: 2, shuffle: false, maxSteps: 20, learningRate: 1e-2 }
    await using streamed = await bert(options)
    const stream = await run(streamed, { ...common, train: streamDataset(path) })
    await using known = await bert(options)
    const dataset = await run(known, { ...common, train: Dataset.from(labelled(90)) })
    expect(stream.error).toBeUndefined()
    expect(stream.losses).toHaveLength(20)
    expect(stream.losses).toEqual(dataset.losses)
    expect(await allWeights(streamed)).toEqual(await allWeights(known))
    const epochs = (course: Course) => course.events.flatMap((event) => (event.type === 'step' ? [event.epoch] : []))
    // The length of an epoch is known once one is over.
    expect(epochs(stream)[11]).toBe(1)
    epochs(stream).forEach((epoch, step) => {
      if (step > 11) expect(epoch).toBeCloseTo(epochs(dataset)[step] ?? NaN, 1)
    })
    expect(epochs(stream)[0]).toBe(0)
    const validated = await run(known, { ...common, train: streamDataset(path), validation: Dataset.from(labelled(9)) })
    expect(validated.events.filter(({ type }) => type === 'evaluation')).toHaveLength(2)
  })

  it('trains on every row once in each epoch, in an order that the seed decides', async () => {
    // Rows of as many tokens as their number, so that a step's tokens say which rows it had.
    const lengths = Array.from({ length: 12 }, (_, i) => ({ text: 'a'.repeat(i + 1) }))
    const order = async (seed: number, options: Partial<TrainOptions> = {}) => {
      await using model = await bert({ task: 'masked-lm' })
      const common = { train: streamDataset(lengths), maxSteps: 24, batchSize: 1, shuffleBuffer: 5, seed }
      const { events } = await run(model, { ...common, ...options })
      return events.flatMap((event) => (event.type === 'step' ? [event.tokens - 2] : []))
    }
    const first = await order(1)
    const inOrder = lengths.map((_, i) => i + 1)
    for (const epoch of [first.slice(0, 12), first.slice(12)]) {
      expect([...epoch].sort((a, b) => a - b)).toEqual(inOrder)
      expect(epoch).not.toEqual(inOrder)
    }
    expect(first.slice(12)).not.toEqual(first.slice(0, 12))
    expect(await order(1)).toEqual(first)
    expect(await order(2)).not.toEqual(first)
    expect(await order(1, { shuffleBuffer: 0 })).toEqual([...inOrder, ...inOrder])
    expect(await order(1, { shuffle: false })).toEqual([...inOrder, ...inOrder])
  })

  it('masks anew in each epoch', async () => {
    const still = { batchSize: 8, learningRate: 1e-30, weightDecay: 0, shuffle: false, maxSteps: 6 }
    await using model = await bert({ task: 'masked-lm', dropout: false })
    const { losses } = await run(model, {
      ...still,
      train: streamDataset(Array.from({ length: 16 }, () => ({ text: 'abcdefgh' }))),
    })
    expect(new Set(losses).size).toBe(6)
  })

  it('fills batches by tokens, in no more memory than was planned', async () => {
    await using model = await bert({ task: 'masked-lm' })
    const train = streamDataset(rows(200).map((line) => JSON.parse(line) as { text: string }))
    const options = { maxSteps: 30, batchTokens: 40, maxLength: 10 } as const
    const planned = await plan(model, train, { ...options, tokenizer })
    expect(planned).toMatchObject({ steps: 30, rows: NaN, largestBatch: { tokens: 40 } })
    const { events } = await run(model, { ...options, train })
    const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []))
    expect(Math.max(...steps.map(({ tokens }) => tokens))).toBeLessThanOrEqual(40)
    expect(Math.min(...steps.map(({ tokens }) => tokens))).toBeGreaterThan(30)
    expect(Math.max(...steps.map(({ memory }) => memory))).toBeLessThanOrEqual(planned.memory.total * 1.05)
  })
})

describe('going on with a run on a stream', () => {
  it.each([
    ['in the first epoch', { maxSteps: 14, batchSize: 3, shuffleBuffer: 50, gradientAccumulationSteps: 2 }, 12, 300],
    ['in another epoch', { maxSteps: 20, batchSize: 8, shuffleBuffer: 20 }, 15, 90],
    ['where an epoch ends', { maxSteps: 12, batchSize: 10, shuffleBuffer: 20 }, 6, 60],
    ['batches by tokens', { maxSteps: 18, batchTokens: 60, shuffleBuffer: 500 }, 13, 200],
    ['file order', { maxSteps: 14, batchSize: 8, shuffle: false }, 10, 200],
  ] as const)('ends with the same bits: %s', async (_, options, stop, count) => {
    const path = await file('rows.jsonl', rows(count))
    const common = { ...options, learningRate: 1e-2, checkpointEvery: 1000 } as const
    await using whole = await bert({ task: 'masked-lm' })
    const { losses } = await run(whole, { ...common, train: streamDataset(path) })
    const output = join(directory, 'out')
    await using begun = await bert({ task: 'masked-lm' })
    const first = await run(begun, { ...common, train: streamDataset(path), output }, stop)
    expect(first.error?.code).toBe('aborted')
    await using ended = await bert({ task: 'masked-lm' })
    const rest = await run(ended, { ...common, train: streamDataset(path), output, resume: 'auto' })
    expect(rest.error).toBeUndefined()
    expect([...first.losses, ...rest.losses]).toEqual(losses)
    expect(await allWeights(ended)).toEqual(await allWeights(whole))
  })

  it('goes on after a row was put right, from before it', async () => {
    const good = rows(200)
    const path = await file('rows.jsonl', good.with(150, '{"text": 7}'))
    const common = { maxSteps: 40, batchSize: 4, shuffleBuffer: 30, learningRate: 1e-2 } as const
    const output = join(directory, 'out')
    await using begun = await bert({ task: 'masked-lm' })
    const first = await run(begun, { ...common, train: streamDataset(path), output })
    expect(first.error).toMatchObject({ code: 'invalid-dataset', where: `${path}:151` })
    // 120 rows were drawn before the buffer came to it.
    expect(first.losses).toHaveLength(30)
    expect(first.events.at(-1)).toMatchObject({ type: 'checkpoint', step: 30, reason: 'aborted' })
    await file('rows.jsonl', good)
    await using ended = await bert({ task: 'masked-lm' })
    const rest = await run(ended, { ...common, train: streamDataset(path), output, resume: 'auto' })
    await using whole = await bert({ task: 'masked-lm' })
    const { losses } = await run(whole, { ...common, train: streamDataset(path) })
    expect([...first.losses, ...rest.losses]).toEqual(losses)
    expect(await allWeights(ended)).toEqual(await allWeights(whole))
  })

  it('refuses rows, order and encoding that are others', async () => {
    const path = await file('rows.jsonl', rows(100))
    const output = join(directory, 'out')
    const common = { train: streamDataset(path), maxSteps: 20, batchSize: 4, shuffleBuffer: 10, output } as const
    await using model = await bert({ task: 'masked-lm' })
    await run(model, common, 10)
    const state = await readFile(join(output, 'checkpoints', 'step-00000010', 'state.json'), 'utf8')
    expect((JSON.parse(state) as { stream: unknown }).stream).toMatchObject({ epoch: 0, rows: 0, examples: 40 })
    const again = async (options: Partial<TrainOptions>): Promise<string> => {
      await using other = await bert({ task: 'masked-lm' })
      const { error } = await run(other, { ...common, resume: 'auto', ...options })
      expect(error?.code).toBe('invalid-checkpoint')
      return error?.message ?? ''
    }
    expect(await again({ shuffleBuffer: 11 })).toContain('shuffleBuffer was 10 and is 11')
    expect(await again({ maskProbability: 0.3 })).toContain('maskProbability was')
    expect(await again({ maxLength: 12 })).toContain('the training rows are others')
    await file('rows.jsonl', rows(100).with(3, '{"text": "zzz"}'))
    expect(await again({ train: streamDataset(path) })).toContain('rows of the stream up to the checkpoint')
    await file('rows.jsonl', rows(5))
    expect(await again({ train: streamDataset(path) })).toContain('rows of the stream up to the checkpoint')
  })
})

describe('what a stream cannot do', () => {
  const train = streamDataset(Array.from({ length: 30 }, (_, i) => ({ text: word(i) })))

  it.each<[string, Partial<TrainOptions>, string]>([
    ['maxSteps', { maxSteps: undefined }, 'options.maxSteps'],
    ['epochs', { epochs: 2 }, 'options.epochs'],
    ['groupByLength', { groupByLength: true }, 'options.groupByLength'],
    ['packing', { packing: true }, 'options.packing'],
    ['cache', { cache: 'tokens' }, 'options.cache'],
    ['unfreeze', { unfreeze: { every: 'epoch' } }, 'options.unfreeze.every'],
    ['classWeights', { classWeights: 'balanced' }, 'options.classWeights'],
    ['validation', { validation: train as never }, 'options.validation'],
    ['shuffleBuffer', { shuffleBuffer: -1 }, 'options.shuffleBuffer'],
    ['shuffleBuffer of a dataset', { train: [], shuffleBuffer: 5 }, 'options.shuffleBuffer'],
  ])('is refused by name: %s', async (_, options, where) => {
    await using model = await bert({ task: 'masked-lm' })
    const make = () => new Trainer(model, { train, maxSteps: 5, tokenizer, ...options })
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-option', where }) as Error)
  })

  it('goes over a generator once, and saves before it says so', async () => {
    function* once() {
      for (let i = 0; i < 20; i++) yield { text: word(i) }
    }
    const output = join(directory, 'out')
    await using model = await bert({ task: 'masked-lm' })
    const { error, events, losses } = await run(model, {
      train: streamDataset(once()),
      maxSteps: 9,
      batchSize: 4,
      output,
    })
    expect(losses).toHaveLength(5)
    expect(error).toMatchObject({ code: 'invalid-dataset', where: 'rows' })
    expect(error?.message).toContain('function')
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint', step: 5 })
    await using enough = await bert({ task: 'masked-lm' })
    expect((await run(enough, { train: streamDataset(once()), maxSteps: 5, batchSize: 4 })).error).toBeUndefined()
  })

  it('names a label that the model has not, and a row that is too long', async () => {
    await using model = await bert({ task: 'sequence-classification', labels: ['bad', 'fine'] })
    const labels = await run(model, { train: streamDataset(labelled(9)), maxSteps: 3, shuffle: false })
    expect(labels.error).toMatchObject({ code: 'unknown-label', where: 'row 0' })
    await using masked = await bert({ task: 'masked-lm' })
    const long = streamDataset([...Array.from({ length: 100 }, () => ({ text: 'abc' })), { text: 'a'.repeat(50) }])
    const { error, losses } = await run(masked, { train: long, maxSteps: 30, batchSize: 4, shuffle: false })
    expect(error).toMatchObject({ code: 'sequence-too-long', where: 'row 100' })
    expect(losses).toHaveLength(16)
    const left = await run(masked, { train: long, maxSteps: 26, batchSize: 4, truncation: 'skip' })
    expect(left.error).toBeUndefined()
    expect(left.events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'skipped-rows' }))
    const none = streamDataset([{ text: 'a'.repeat(50) }])
    expect((await run(masked, { train: none, maxSteps: 2, truncation: 'skip' })).error?.code).toBe('empty-dataset')
  })

  it('leaves bad rows out where asked: told at the first, counted at the end of a pass', async () => {
    const path = await file('rows.jsonl', rows(40).with(10, '{"text": 1}').with(20, 'nothing'))
    await using model = await bert({ task: 'masked-lm' })
    const train = streamDataset(path, { onBadRow: 'skip' })
    const { events, error } = await run(model, { train, maxSteps: 30, batchSize: 4 })
    expect(error).toBeUndefined()
    const warnings = events.flatMap((event) => (event.type === 'warning' && event.code === 'bad-rows' ? [event] : []))
    expect(warnings.map(({ message }) => message.split('\n')[0])).toEqual([
      expect.stringContaining(`${path}:11: `),
      '2 rows cannot be used and were left out:',
    ])
    expect(warnings[1]?.message).toContain(`${path}:21`)
  })

  it('stops at an abort while it waits for a row', async () => {
    let opened = () => {}
    const waiting = new Promise<void>((resolve) => (opened = resolve))
    async function* slow() {
      for (let i = 0; i < 64; i++) yield { text: word(i) }
      await new Promise<never>(() => opened())
      yield { text: 'never' }
    }
    const controller = new AbortController()
    void waiting.then(() => controller.abort(new Error('enough')))
    await using model = await bert({ task: 'masked-lm' })
    const trainer = new Trainer(model, {
      train: streamDataset(slow),
      maxSteps: 50,
      batchSize: 4,
      shuffle: false,
      tokenizer,
    })
    const steps: number[] = []
    const reading = (async () => {
      for await (const event of trainer.run({ signal: controller.signal }))
        if (event.type === 'step') steps.push(event.step)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
    expect(steps.length).toBeLessThanOrEqual(16)
  })
})
