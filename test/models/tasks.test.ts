import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineModel } from '../../lib/models/index.js'
import { labelled } from '../../lib/models/labelled-batch.js'
import { Model } from '../../lib/models/model.js'
import type { Task } from '../../lib/task.js'
import { plainLoss } from '../../lib/models/task.js'
import { lora } from '../../lib/nn/lora.js'
import { refusal } from '../refusal.js'
import { copyOfModel, fixtureModel, temporaryDirectory, tinyGpt2, tinyLlama } from './fixture-models.js'

export const tinyBert = {
  model_type: 'bert',
  vocab_size: 37,
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 16,
  pad_token_id: 0,
  initializer_range: 0.1,
}

const texts = [
  [5, 6, 7],
  [8, 9],
  [10, 11, 12, 13],
]

describe('the task', () => {
  test.each<[string, object, Task]>([
    ['causal-lm', tinyGpt2, 'causal-lm'],
    [
      'a named architecture',
      { ...tinyGpt2, architectures: ['GPT2ForSequenceClassification'] },
      'sequence-classification',
    ],
    ['a bare encoder', { ...tinyBert, architectures: ['BertModel'] }, 'embedding'],
    ['a bare decoder that writes with its table', { ...tinyGpt2, architectures: ['GPT2Model'] }, 'causal-lm'],
    ['a bare decoder without a matrix', { ...tinyLlama, architectures: ['LlamaModel'] }, 'embedding'],
  ])('follows from the configuration: %s', (_, config, task) => {
    expect(defineModel(config as Record<string, unknown>).task).toBe(task)
  })

  test('that the family has no head for is refused with those it has', () => {
    expect(refusal(() => defineModel(tinyGpt2, { task: 'seq2seq-lm' }))).toMatchObject({
      code: 'unsupported-task',
      where: 'options.task',
      message: expect.stringMatching(/"gpt2".*seq2seq-lm.*causal-lm, sequence-classification/) as string,
    })
  })
})

describe('labels', () => {
  test('come from the caller, else from the configuration, else by number', () => {
    const config = { ...tinyBert, id2label: { 0: 'no', 1: 'yes' } }
    const task = 'sequence-classification'
    expect(defineModel(config, { task }).labels).toEqual(['no', 'yes'])
    expect(defineModel(config, { task, labels: ['a', 'b', 'c'] }).labels).toEqual(['a', 'b', 'c'])
    expect(defineModel(tinyBert, { task, labels: 3 }).labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2'])
  })

  test('one makes a regression, more a choice, unless the configuration or the caller says otherwise', () => {
    const task = 'sequence-classification'
    expect(defineModel(tinyBert, { task, labels: 1 }).problemType).toBe('regression')
    expect(defineModel(tinyBert, { task, labels: 2 }).problemType).toBe('single_label_classification')
    const several = { ...tinyBert, problem_type: 'multi_label_classification' }
    expect(defineModel(several, { task, labels: 2 }).problemType).toBe('multi_label_classification')
    expect(defineModel(several, { task, labels: 2, problemType: 'regression' }).problemType).toBe('regression')
  })

  test.each<[string, object, string]>([
    ['twice the same', { task: 'sequence-classification', labels: ['a', 'a'] }, 'options.labels'],
    ['none', { task: 'token-classification', labels: [] }, 'options.labels'],
    [
      'one to choose from',
      { task: 'sequence-classification', labels: ['a'], problemType: 'single_label_classification' },
      'options.labels',
    ],
    ['of a language model', { task: 'masked-lm', labels: ['a', 'b'] }, 'options.labels'],
    [
      'a kind of problem for tokens',
      { task: 'token-classification', problemType: 'regression' },
      'options.problemType',
    ],
  ])('are refused: %s', (_, options, where) => {
    expect(refusal(() => defineModel(tinyBert, options))).toMatchObject({ code: 'invalid-option', where })
  })
})

describe('a batch is refused', () => {
  const single = defineModel(tinyBert, { task: 'sequence-classification', labels: 3 })
  const multi = defineModel(tinyBert, {
    task: 'sequence-classification',
    labels: 3,
    problemType: 'multi_label_classification',
  })
  const number = defineModel(tinyBert, { task: 'sequence-classification', labels: 1 })
  const span = defineModel(tinyBert, { task: 'question-answering' })
  const pair = defineModel(tinyBert, { task: 'embedding' })

  test.each([
    ['a label that the model has not', single, [0, 3, 1], 'batch.labels[1]'],
    ['a list for a single label', single, [0, [1, 0, 1], 1], 'batch.labels[1]'],
    ['too few rows of labels', single, [0], 'batch.labels'],
    [
      'as many numbers as labels',
      multi,
      [
        [0, 1, 1],
        [1, 0],
        [0, 0, 0],
      ],
      'batch.labels[1]',
    ],
    [
      '0 to 1',
      multi,
      [
        [0, 1, 2],
        [1, 0, 0],
        [0, 0, 0],
      ],
      'batch.labels[0]',
    ],
    ['a number that is none', number, [1, NaN, 2], 'batch.labels[1]'],
    [
      'an end before its start',
      span,
      [
        [0, 1],
        [1, 0],
        [0, 0],
      ],
      'batch.labels[1]',
    ],
    [
      'an end outside the text',
      span,
      [
        [0, 3],
        [0, 0],
        [0, 0],
      ],
      'batch.labels[0]',
    ],
    ['anchors without candidates', pair, [0, 0, 0], 'batch.inputIds'],
    ['a candidate that is not there', pair, [1, 2].slice(0, 1).concat([5]), 'batch.labels[0]'],
  ])('%s', (_, definition, labels, where) => {
    const batch = { inputIds: texts, labels }
    expect(refusal(() => labelled(batch, definition, plainLoss))).toMatchObject({ code: 'invalid-batch', where })
  })

  test('token types where the model has no table of them', () => {
    const definition = defineModel(tinyGpt2)
    const batch = { inputIds: [[1, 2]], labels: [[1, 2]], tokenTypeIds: [[0, 0]] }
    expect(refusal(() => labelled(batch, definition, plainLoss))).toMatchObject({ where: 'batch.tokenTypeIds' })
  })

  test('weights of another count or for another kind of problem', () => {
    const batch = { inputIds: texts, labels: [0, 1, 2] }
    const weighed = (weights: object) => refusal(() => labelled(batch, single, { ...plainLoss, ...weights }))
    expect(weighed({ classWeights: [1, 2] })).toMatchObject({ code: 'invalid-option', where: 'classWeights' })
    expect(weighed({ positiveWeights: [1, 2, 3] })).toMatchObject({ code: 'invalid-option', where: 'positiveWeights' })
  })
})

describe('a new head', () => {
  const options = { task: 'sequence-classification', labels: ['bad', 'good', 'so-so'] } as const

  test('is drawn by the seed, and the rest is as in the file', async () => {
    await using model = await Model.load(fixtureModel('gpt2'), { ...options, seed: 1 })
    await using again = await Model.load(fixtureModel('gpt2'), { ...options, seed: 1 })
    await using other = await Model.load(fixtureModel('gpt2'), { ...options, seed: 2 })
    await using base = await Model.load(fixtureModel('gpt2'))
    expect(model.initialized).toEqual(['score.weight'])
    expect(base.initialized).toEqual([])
    const head = await model.read('score.weight')
    expect(head.shape).toEqual([3, 48])
    expect(await again.read('score.weight')).toEqual(head)
    expect(await other.read('score.weight')).not.toEqual(head)
    const scale = Math.sqrt(head.data.reduce((sum, value) => sum + value * value, 0) / head.data.length)
    expect(scale).toBeGreaterThan(0.015)
    expect(scale).toBeLessThan(0.025)
    expect(await model.read('transformer.wte.weight')).toEqual(await base.read('transformer.wte.weight'))
  })

  test('is kept with its labels when the model is saved', async () => {
    const directory = join(temporaryDirectory(), 'saved')
    await using model = await Model.load(fixtureModel('gpt2'), options)
    await model.save(directory)
    const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as Record<string, unknown>
    expect(config).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      id2label: { 0: 'bad', 1: 'good', 2: 'so-so' },
      problem_type: 'single_label_classification',
    })
    await using loaded = await Model.load(directory)
    expect(loaded.labels).toEqual(options.labels)
    expect(loaded.task).toBe('sequence-classification')
    expect(loaded.initialized).toEqual([])
    const batch = { inputIds: texts }
    expect(await loaded.forward(batch)).toEqual(await model.forward(batch))

    await expect(Model.load(directory, { labels: ['a', 'b'] })).rejects.toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringMatching(/score\.weight should be \[2, 48\] but is \[3, 48\].*newHead: true/) as string,
    })
    await using replaced = await Model.load(directory, { labels: ['a', 'b'], newHead: true })
    expect(replaced.initialized).toEqual(['score.weight'])
  })

  test('does not hide that a body is missing', async () => {
    const directory = copyOfModel('gpt2', { n_layer: 3 })
    await expect(Model.load(directory, options)).rejects.toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('missing: transformer.h.2.') as string,
    })
  })

  test('is no language model’s: a missing one is an error', async () => {
    const directory = join(temporaryDirectory(), 'saved')
    await using model = await Model.load(fixtureModel('llama'), options)
    await model.save(directory)
    await expect(Model.load(directory, { task: 'causal-lm' })).rejects.toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('missing: lm_head.weight') as string,
    })
  })
})

describe('an adapter on a classifier', () => {
  const options = { task: 'sequence-classification', labels: 3, seed: 3 } as const
  const batch = { inputIds: texts, labels: [0, 1, 2] }

  test('trains the new head too, keeps it in its file, and leaves the model as it was', async () => {
    const directory = join(temporaryDirectory(), 'adapter')
    await using model = await Model.load(fixtureModel('gpt2'), options)
    const head = await model.read('score.weight')
    await model.addAdapter(lora({ rank: 2 }))
    const trained = [...model.parameters()].filter(({ trainable }) => trainable).map(({ name }) => name)
    expect(trained).toContain('base_model.model.score.weight')
    expect(trained.every((name) => name.startsWith('base_model.model.'))).toBe(true)
    const optimizer = model.optimizer({ learningRate: 0.1 })
    for (let step = 0; step < 3; step++) await optimizer.step(batch)
    expect(await model.read('score.weight')).toEqual(head)
    expect(await model.read('base_model.model.score.weight')).not.toEqual(head)
    await model.save(directory)
    const config = JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8')) as Record<string, unknown>
    expect(config).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['score'] })

    await using loaded = await Model.load(fixtureModel('gpt2'), { ...options, seed: 4, adapter: directory })
    expect(await loaded.forward(batch)).toEqual(await model.forward(batch))

    const tuned = await model.forward(batch)
    await model.mergeAdapter()
    const merged = await model.forward(batch)
    merged.logits.data.forEach((value, i) => expect(value).toBeCloseTo(tuned.logits.data[i]!, 4))
    await model.unmergeAdapter()
    expect(await model.forward(batch)).toEqual(tuned)
    await model.removeAdapter()
    expect(await model.read('score.weight')).toEqual(head)
  })

  test('brings its task and its labels', async () => {
    const directory = join(temporaryDirectory(), 'adapter')
    await using model = await Model.load(fixtureModel('gpt2'), { ...options, labels: ['a', 'b', 'c'] })
    await model.addAdapter(lora({ rank: 2 }))
    await model.save(directory)
    await using loaded = await Model.load(fixtureModel('gpt2'), { adapter: directory })
    expect(loaded.task).toBe('sequence-classification')
    expect(loaded.labels).toEqual(['a', 'b', 'c'])
    expect((await loaded.forward(batch)).logits.shape).toEqual([3, 3])
    writeFileSync(join(directory, 'task.json'), '{"task":"knitting"}')
    await expect(Model.load(fixtureModel('gpt2'), { adapter: directory })).rejects.toMatchObject({
      code: 'invalid-adapter',
    })
  })

  test('refuses modules that are not there', async () => {
    await using model = await Model.load(fixtureModel('gpt2'), options)
    await expect(model.addAdapter(lora({ modulesToSave: ['scores'] }))).rejects.toMatchObject({
      code: 'no-match',
      where: 'adapter.modulesToSave',
      message: expect.stringContaining('Did you mean "score"') as string,
    })
  })
})

test('an embedding model is saved with how its embeddings are made', async () => {
  const directory = join(temporaryDirectory(), 'saved')
  const options = { task: 'embedding', pooling: 'cls', normalize: true, seed: 1 } as const
  await using model = await Model.fromConfig(tinyBert, options)
  await model.save(directory)
  await using loaded = await Model.load(directory)
  expect(loaded.definition).toMatchObject({ task: 'embedding', pooling: 'cls', normalize: true })
  const { logits } = await loaded.forward({ inputIds: texts })
  expect(logits).toEqual((await model.forward({ inputIds: texts })).logits)
  expect(Math.hypot(...logits.data.subarray(0, 12))).toBeCloseTo(1, 5)
  writeFileSync(join(directory, 'modules.json'), '[{')
  await expect(Model.load(directory)).rejects.toMatchObject({ code: 'invalid-json' })
})
