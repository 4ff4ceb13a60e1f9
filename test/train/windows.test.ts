/** Long texts in windows: the plan, a run, its validation, the token store, a stream and inspect agree. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { streamDataset } from '../../lib/data/row-stream.js'
import { inspectData } from '../../lib/inspect/inspect-data.js'
import { Model } from '../../lib/models/model.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { Trainer } from '../../lib/train/trainer.js'
import { removeFolder } from '../tokenizer/byte-tokenizer.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

let letters: string
let cache: string
let tokenizer: Tokenizer
beforeAll(async () => {
  letters = await writeLetterTokenizer()
  tokenizer = await Tokenizer.load(letters)
  cache = await mkdtemp(join(tmpdir(), 'attune-windows-'))
})
afterAll(async () => {
  await removeFolder(letters)
  await rm(cache, { recursive: true, force: true })
})

const texts = Array.from({ length: 12 }, (_, i) => 'abcdefghijklmnopqrstuvwx'.slice(0, 2 + 2 * i))
const tasks = {
  'sequence-classification': {
    labels: ['bad', 'good'],
    rows: texts.map((text, i) => ({ text, label: i % 2 === 0 ? 'good' : 'bad' })),
  },
  'token-classification': {
    labels: ['B-X', 'O'],
    rows: texts.map((text) => ({ tokens: Array.from(text), tags: Array.from(text, (_, i) => (i % 3 ? 'O' : 'B-X')) })),
  },
} as const

function modelFor(task: keyof typeof tasks): Promise<Model> {
  const size = { vocab_size: tokenizer.vocabSize, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 }
  const config = { model_type: 'bert', ...size, num_attention_heads: 2, max_position_embeddings: 32 }
  return Model.fromConfig(config, { seed: 1, threads: 2, task, labels: [...tasks[task].labels] })
}

async function run(model: Model, options: TrainOptions): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = []
  for await (const event of new Trainer(model, { tokenizer, ...options }).run()) events.push(event)
  return events
}

const losses = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))

describe.each(['sequence-classification', 'token-classification'] as const)('%s in windows', (task) => {
  const train = Dataset.from(tasks[task].rows)
  const cut = { maxLength: 8, truncation: 'window', stride: 2 } as const
  const options = { ...cut, batchSize: 4, epochs: 2, learningRate: 1e-3, shuffle: false } as const

  it('is planned as it is run, with the token store and without', async () => {
    await using model = await modelFor(task)
    const planned = await plan(model, train, { ...options, validation: train, tokenizer, measure: true })
    expect(planned).toMatchObject({ rows: 12 + planned.windows, truncated: 0, skipped: 0, longest: 8 })
    // Windows of 6 letters begin every 4: of 8 letters there are two, of 12 three.
    const expected = texts.reduce((sum, { length }) => sum + Math.max(0, Math.ceil((length - 6) / 4)), 0)
    expect(planned).toMatchObject({ windows: expected, stepsPerEpoch: Math.ceil((12 + expected) / 4) })
    expect(planned.labelledTokens).toBe(
      task === 'token-classification' ? texts.reduce((sum, { length }) => sum + length, 0) : planned.rows,
    )
    expect(planned.base?.metrics['loss']).toBeGreaterThan(0)
    expect(planned.base?.rows).toBeLessThanOrEqual(12)
    const events = await run(model, { ...options, train, validation: train })
    const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []))
    expect(steps).toHaveLength(planned.steps)
    expect(steps.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(2 * planned.tokens)
    const measured = events.flatMap((event) => (event.type === 'evaluation' ? [event.tokens] : []))
    expect(new Set(measured)).toEqual(new Set([task === 'token-classification' ? planned.labelledTokens : 12]))
    for (let time = 0; time < 2; time++) {
      await using again = await modelFor(task)
      const cached = await run(again, { ...options, train, validation: train, cache })
      expect(losses(cached)).toEqual(losses(events))
      expect(cached.flatMap((event) => (event.type === 'evaluation' ? [event.metrics] : []))).toEqual(
        events.flatMap((event) => (event.type === 'evaluation' ? [event.metrics] : [])),
      )
    }
  })

  it('of a stream is the same run', async () => {
    const common = { ...cut, batchSize: 4, maxSteps: 12, learningRate: 1e-2, shuffle: false } as const
    await using known = await modelFor(task)
    const dataset = await run(known, { ...common, train })
    await using streamed = await modelFor(task)
    const stream = await run(streamed, { ...common, train: streamDataset(() => tasks[task].rows) })
    expect(losses(stream)).toHaveLength(12)
    expect(losses(stream)).toEqual(losses(dataset))
  })

  it('is told by inspect', async () => {
    const inspected = await inspectData(train, { tokenizer, task, ...cut })
    const long = texts.filter(({ length }) => length > 6)
    const windows = long.reduce((sum, { length }) => sum + 1 + Math.ceil((length - 6) / 4), 0)
    expect(inspected.truncation).toMatchObject({ rows: long.length, windows })
    expect(inspected.findings.find(({ code }) => code === 'truncated-rows')).toMatchObject({
      severity: 'note',
      message: `${long.length} rows are cut into ${windows} windows of at most 8 tokens.`,
    })
  })

  it('a stride that has no effect is refused by all', async () => {
    await using model = await modelFor(task)
    const wrong = { maxLength: 30, stride: 2 }
    const refused = { code: 'invalid-option', where: 'options.stride' }
    await expect(plan(model, train, { ...wrong, tokenizer })).rejects.toMatchObject(refused)
    const stream = streamDataset(() => tasks[task].rows)
    await expect(plan(model, stream, { ...wrong, maxSteps: 2, tokenizer })).rejects.toMatchObject(refused)
    await expect(run(model, { ...wrong, train: stream, maxSteps: 2 })).rejects.toMatchObject(refused)
    await expect(inspectData(train, { tokenizer, task, ...wrong })).rejects.toMatchObject(refused)
  })
})

describe.each(['causal-lm', 'masked-lm'] as const)('%s in windows', (task) => {
  const train = Dataset.from(texts.map((text) => ({ text })))
  const open = (): Promise<Model> => {
    const size = { vocab_size: tokenizer.vocabSize, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 }
    const family = { model_type: task === 'causal-lm' ? 'llama' : 'bert', num_attention_heads: 2 }
    return Model.fromConfig({ ...family, ...size, max_position_embeddings: 32 }, { seed: 1, threads: 1, task })
  }

  it('is told by inspect as it is planned', async () => {
    const cut = { maxLength: 8, truncation: 'window' } as const
    await using model = await open()
    const planned = await plan(model, train, { ...cut, tokenizer, batchSize: 4, epochs: 1 })
    const { truncation } = await inspectData(train, { tokenizer, task, ...cut })
    expect(truncation?.rows).toBeGreaterThan(3)
    expect(truncation?.windows).toBe(planned.windows + (truncation?.rows ?? 0))
  })
  it('that leave no room for a text is refused by both', async () => {
    const cut = { maxLength: 2, truncation: 'window' } as const
    await using model = await open()
    const refused = { code: 'invalid-option', where: 'options.maxLength' }
    await expect(plan(model, train, { ...cut, tokenizer })).rejects.toMatchObject(refused)
    await expect(inspectData(train, { tokenizer, task, ...cut })).rejects.toMatchObject(refused)
  })
})
