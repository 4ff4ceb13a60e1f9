/** Every task trains: rows of each kind, their losses, and what a run with classes says and measures. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EncodedExample } from '../../lib/data/example.js'
import { RandomStream } from '../../lib/data/random.js'
import type { ConfigJson } from '../../lib/models/family.js'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { balancedClasses, balancedPositives } from '../../lib/train/loss-weights.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { allWeights } from '../tiny-model.js'
import { trainingEvents } from './training-events.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-tasks-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const bert = {
  model_type: 'bert',
  vocab_size: 32,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 24,
  initializer_range: 0.2,
}

const t5 = {
  model_type: 't5',
  vocab_size: 32,
  d_model: 16,
  d_kv: 8,
  d_ff: 24,
  num_layers: 2,
  num_heads: 2,
  feed_forward_proj: 'relu',
  decoder_start_token_id: 0,
  pad_token_id: 0,
}

function tiny(options: ModelOptions, config?: ConfigJson): Promise<Model> {
  return Model.fromConfig(config ?? (options.task === 'seq2seq-lm' ? t5 : bert), { seed: 1, threads: 2, ...options })
}

/** Rows of random tokens, and what is made of each. */
function rowsOf<Row>(count: number, make: (ids: Int32Array, index: number) => Row, seed = 1): Row[] {
  const random = new RandomStream('rows', seed)
  return Array.from({ length: count }, (_, index) => {
    const length = 3 + random.nextBelow(6)
    return make(
      Int32Array.from({ length }, () => 2 + random.nextBelow(30)),
      index,
    )
  })
}

const isLow = (id: number | undefined): boolean => (id ?? 0) < 16
const first = (ids: Int32Array): number => (isLow(ids[0]) ? 0 : 1)

const rows = {
  single: rowsOf(48, (inputIds) => ({ inputIds, labels: first(inputIds) })),
  multi: rowsOf(48, (inputIds) => ({ inputIds, labels: [first(inputIds), isLow(inputIds.at(-1)) ? 1 : 0] })),
  numbers: rowsOf(48, (inputIds) => ({ inputIds, labels: first(inputIds) * 2 - 1 })),
  tags: rowsOf(48, (inputIds) => ({
    inputIds,
    labels: inputIds.map((id, i) => (i === 0 ? -100 : isLow(id) ? 0 : 1)),
    tokenTypeIds: inputIds.map((_, i) => (i < 2 ? 0 : 1)),
  })),
  masked: rowsOf(48, (ids) => {
    // Masked tokens are the same as the one before.
    const inputIds = ids.map((id, i) => (i === 1 ? 1 : id))
    return { inputIds, labels: ids.map((_, i) => (i === 1 ? (ids[0] ?? 0) : -100)) }
  }),
  spans: rowsOf(48, (ids) => {
    // The answer stands between two marks.
    const inputIds = ids.map((id, i) => (i === 1 || i === 2 ? 1 : Math.max(id, 2)))
    return { inputIds, labels: [1, 2] }
  }),
  pairs: rowsOf(48, (inputIds, i) => ({
    inputIds,
    positiveIds: inputIds.slice().reverse(),
    ...(i % 3 === 0 ? { negativeIds: [2, 3, 4] } : {}),
  })),
  targets: rowsOf(48, (inputIds) => ({ inputIds, labels: inputIds.slice(0, 2) })),
} satisfies Record<string, EncodedExample[]>

const classes = { task: 'sequence-classification' } as const
const tasks: readonly [string, ModelOptions, EncodedExample[]][] = [
  ['one label', { ...classes, labels: ['low', 'high'] }, rows.single],
  ['many labels', { ...classes, labels: 2, problemType: 'multi_label_classification' }, rows.multi],
  ['regression', { ...classes, labels: 1, problemType: 'regression' }, rows.numbers],
  ['tags', { task: 'token-classification', labels: ['low', 'high'] }, rows.tags],
  ['masked tokens', { task: 'masked-lm' }, rows.masked],
  ['spans', { task: 'question-answering' }, rows.spans],
  ['pairs', { task: 'embedding' }, rows.pairs],
  ['targets', { task: 'seq2seq-lm' }, rows.targets],
]

function ofType<Type extends TrainingEvent['type']>(events: readonly TrainingEvent[], type: Type) {
  return events.filter((event): event is Extract<TrainingEvent, { type: Type }> => event.type === type)
}

describe('a run', () => {
  it.each(tasks)('learns %s, in the memory that was planned', async (_, options, train) => {
    await using model = await tiny({ ...options, dropout: false })
    const events = await trainingEvents(model, {
      train,
      validation: train.slice(0, 12),
      epochs: 8,
      batchSize: 8,
      learningRate: 1e-2,
    })
    const losses = ofType(events, 'step').map(({ loss }) => loss)
    const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length
    expect(mean(losses.slice(-6))).toBeLessThan(mean(losses.slice(0, 6)) * 0.8)
    const [start] = ofType(events, 'start')
    const used = Math.max(...ofType(events, 'step').map(({ memory }) => memory))
    expect(Math.abs(used - start!.memory.total) / start!.memory.total).toBeLessThan(0.05)
    const measured = ofType(events, 'evaluation').map(({ loss }) => loss)
    expect(measured).toHaveLength(8)
    expect(measured.at(-1)).toBeLessThan(measured[0]!)
    const labelled = ofType(events, 'step').slice(0, start!.stepsPerEpoch)
    expect(labelled.reduce((sum, step) => sum + step.labelledTokens, 0)).toBe(start!.labelledTokens)
    expect(labelled.reduce((sum, step) => sum + step.tokens, 0)).toBe(start!.tokens)
  })

  it('learns pairs with the encoder of an encoder-decoder', async () => {
    await using model = await tiny({ task: 'embedding', dropout: false }, t5)
    const run = { train: rows.pairs, epochs: 8, batchSize: 8, learningRate: 1e-2 }
    const losses = ofType(await trainingEvents(model, run), 'step').map(({ loss }) => loss)
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.8)
    expect([...model.parameters()].filter(({ name }) => name.startsWith('decoder.'))).toEqual([])
  })

  it.each(tasks)('goes on with the same bits: %s', async (_, options, train) => {
    const common = { train, maxSteps: 12, batchSize: 8, learningRate: 5e-3, checkpointEvery: 100 } as const
    await using whole = await tiny(options)
    await trainingEvents(whole, common)
    const output = join(directory, 'out')
    await using begun = await tiny(options)
    await trainingEvents(begun, { ...common, output }, 7)
    await using ended = await tiny(options)
    const events = await trainingEvents(ended, { ...common, output, resume: 'auto' })
    expect(ofType(events, 'start')[0]).toMatchObject({ step: 7 })
    expect(await allWeights(ended)).toEqual(await allWeights(whole))
  })

  it('stops and keeps the best by a metric of which more is better', async () => {
    await using model = await tiny({ ...tasks[0]![1], dropout: false })
    const validation = rowsOf(24, (inputIds) => ({ inputIds, labels: first(inputIds) }), 7)
    const events = await trainingEvents(model, {
      train: rows.single,
      validation,
      epochs: 30,
      learningRate: 1e-2,
      metrics: ['f1', 'accuracy'],
      metricForBest: 'f1',
      earlyStopping: { patience: 3, minDelta: 0.01, metric: 'accuracy' },
    })
    const evaluations = ofType(events, 'evaluation')
    const [done] = ofType(events, 'done')
    expect(done!.reason).toBe('early-stopping')
    const f1 = evaluations.map(({ metrics }) => metrics.f1!)
    const bestIndex = f1.indexOf(Math.max(...f1))
    expect(f1[bestIndex]).toBeGreaterThan(f1[0]!)
    expect(done!.bestStep).toBe(evaluations[bestIndex]!.step)
    expect(done!.validationMetrics).toEqual(evaluations[bestIndex]!.metrics)
    const accuracy = evaluations.map(({ metrics }) => metrics.accuracy!)
    const before = Math.max(...accuracy.slice(0, -3))
    for (const value of accuracy.slice(-3)) expect(value).toBeLessThanOrEqual(before + 0.01)
  })

  it('refuses what does not go with the task', async () => {
    await using model = await tiny(tasks[0]![1])
    const refused = (options: Partial<TrainOptions>, code: string, message: string | RegExp) =>
      expect(plan(model, options.train ?? rows.single, { validation: rows.single, ...options })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      })
    await refused({ metricForBest: 'rmse' }, 'invalid-option', /options.metricForBest.*no metric 'rmse'/)
    await refused({ positiveWeights: 'balanced' }, 'invalid-option', 'options.positiveWeights is for')
    await refused({ classWeights: [1] }, 'invalid-option', 'expected 2 numbers, one per label .low, high., received 1')
    await refused({ classWeights: { lo: 2 } }, 'invalid-option', /no label 'lo'.*Did you mean "low"/)
    await refused({ maskProbability: 0.2 }, 'invalid-option', 'options.maskProbability is for masked-lm')
    await refused({ train: [{ inputIds: [3, 4], labels: 2 }] }, 'invalid-batch', /options.train\[0\]: .*a label/)
    await refused({ train: [{ inputIds: [3], labels: [0, 1] }] }, 'invalid-batch', 'one label but received a list')
    await refused(
      { train: [{ inputIds: [3], positiveIds: [4] }] },
      'invalid-batch',
      'takes rows of inputIds and labels',
    )
    await using answers = await tiny({ task: 'question-answering' })
    await expect(plan(answers, rows.spans, { validation: rows.spans, metricForBest: 'f1' })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.validation',
    })
    await using number = await tiny(tasks[2]![1])
    await expect(plan(number, rows.numbers, { labelSmoothing: 0.1 })).rejects.toMatchObject({ code: 'invalid-option' })
    expect(await plan(model, rows.single, { measure: false })).toMatchObject({ rows: 48 })
  })
})

describe('weights of classes', () => {
  it('are balanced as scikit-learn and torch have it', () => {
    expect(balancedClasses([6, 2, 0])).toEqual([8 / 12, 2, 1])
    expect(balancedPositives([4, 0, 8], 16)).toEqual([3, 1, 1])
  })

  it('count in the loss, by name and by number alike', async () => {
    const train = rowsOf(8, (inputIds, i) => ({ inputIds, labels: i === 0 ? 1 : 0 }))
    const lossOf = async (classWeights: TrainOptions['classWeights']) => {
      await using model = await tiny({ ...tasks[0]![1], dropout: false })
      const events = await trainingEvents(model, { train, maxSteps: 1, classWeights })
      return ofType(events, 'step')[0]!.loss
    }
    await using model = await tiny({ ...tasks[0]![1], dropout: false })
    const { losses } = await model.evaluateBatch({
      inputIds: train.map((row) => row.inputIds),
      labels: train.map((row) => row.labels),
    })
    const weighted = (low: number, high: number) => {
      const weights = train.map(({ labels }) => (labels === 1 ? high : low))
      const sum = weights.reduce(
        (total, weight, i) => total + weight * losses[train.findIndex((_, row) => row === i)]!,
        0,
      )
      return sum / weights.reduce((total, weight) => total + weight, 0)
    }
    expect(await lossOf(undefined)).toBeCloseTo(weighted(1, 1), 5)
    expect(await lossOf([1, 5])).toBeCloseTo(weighted(1, 5), 5)
    expect(await lossOf({ high: 5 })).toBeCloseTo(weighted(1, 5), 5)
    expect(await lossOf('balanced')).toBeCloseTo(weighted(8 / 14, 4), 5)
  })

  it('are advised where a class is rare, and classes that validation lacks are told', async () => {
    await using model = await tiny({ ...classes, labels: ['low', 'high', 'none'] })
    const train = rowsOf(60, (inputIds, i) => ({ inputIds, labels: i < 3 ? 1 : 0 }))
    const validation = rowsOf(5, (inputIds) => ({ inputIds, labels: 0 }))
    const { warnings } = await plan(model, train, { validation, measure: false })
    const messages = new Map(warnings.map(({ code, message }) => [code, message]))
    expect(messages.get('imbalanced-classes')).toContain("label 'high' has 3 of 60 rows")
    expect(messages.get('class-with-few-rows')).toContain("label 'high' has only 3 training rows")
    expect(messages.get('class-absent-from-training')).toContain("'none'")
    expect(messages.get('class-absent-from-validation')).toContain("'high'")
    const weighed = await plan(model, train, { validation, classWeights: 'balanced', measure: false })
    expect(weighed.warnings.map(({ code }) => code)).not.toContain('imbalanced-classes')
  })
})
