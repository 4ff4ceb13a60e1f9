/** Rows that were cut into windows are measured, predicted and trained on as rows. */
import { describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask } from '../../lib/data/encode-for-task.js'
import { collate } from '../../lib/data/example.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { measureExamples } from '../../lib/evaluate/measure-examples.js'
import type {
  MultiLabelReport,
  RegressionReport,
  SingleLabelReport,
  TokenClassificationReport,
} from '../../lib/evaluate/report.js'
import type { Model } from '../../lib/models/model.js'
import { softmax } from '../../lib/models/probabilities.js'
import '../../lib/predict/model-predict.js'
import type { MultiLabelPrediction } from '../../lib/predict/classify.js'
import { letterBert, letterModel } from './letter-model.js'

const texts = [
  'a cat',
  'the dog ran over the hill and far away',
  'no',
  'it is so be it on we go',
  'why? yes, yes, no, no',
]
const cut = { maxLength: 12, truncation: 'window', stride: 3 } as const
const task = 'sequence-classification'

/** The mean over the windows of each row, each window run alone. */
async function meansByHand(model: Model, rows: readonly DatasetRow[]): Promise<number[][]> {
  const { labels, problemType } = model
  const options = { ...cut, labels, ...(problemType !== undefined && { problemType }) }
  const { examples } = await encodeForTask(task, Dataset.from(rows), await model.tokenizer(), options)
  const logits: number[][][] = rows.map(() => [])
  for (const example of examples) {
    const alone = await model.forward(collate([example], model.definition))
    logits[example.row]?.push([...alone.logits.data])
  }
  expect(Math.max(...logits.map(({ length }) => length))).toBeGreaterThan(2)
  return logits.map((windows) =>
    labels.map((_, i) => windows.reduce((sum, one) => sum + (one[i] ?? NaN), 0) / windows.length),
  )
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe('sequence classification', () => {
  const kinds = ['good', 'bad', 'good', 'ugly', 'bad']
  const rows = texts.map((text, i) => ({ text, label: kinds[i]! }))
  const names = ['bad', 'good', 'ugly']

  it('says one thing of a row: the mean of the logits, whatever the batches', async () => {
    await using model = await letterModel(letterBert, { task, labels: names })
    const chances = (await meansByHand(model, rows)).map((logits) => softmax(logits))
    for (const tokensPerBatch of [1, 40, 2048]) {
      const report = (await evaluate(model, Dataset.from(rows), {
        ...cut,
        tokensPerBatch,
        records: true,
      })) as SingleLabelReport
      expect(report).toMatchObject({ rows: 5, targets: 5, truncated: 0, skipped: 0 })
      expect(report.windows).toBeGreaterThan(3)
      expect(report.records!.map(({ row, text }) => [row, text])).toEqual(texts.map((text, row) => [row, text]))
      report.records!.forEach(({ probabilities, loss }, row) => {
        names.forEach((name, i) => expect(probabilities[name]).toBeCloseTo(chances[row]![i]!, 5))
        expect(loss).toBeCloseTo(-Math.log(chances[row]![names.indexOf(kinds[row]!)]!), 5)
      })
      expect(report.metrics.loss).toBeCloseTo(mean(report.records!.map(({ loss }) => loss!)), 6)
      const right = report.records!.filter(({ correct }) => correct).length
      expect(report.metrics.accuracy).toBeCloseTo(right / 5, 9)
      // The most frequent label of the rows: by windows it would be another.
      expect(report.baselines.majority?.metrics['accuracy']).toBeCloseTo(0.4, 9)
      expect(report.details.perClass.map(({ support }) => support)).toEqual([2, 2, 1])
      expect(report.data.labelCounts).toEqual({ bad: 2, good: 2, ugly: 1 })
    }
  })

  it('classify says the same', async () => {
    await using model = await letterModel(letterBert, { task, labels: names })
    const chances = (await meansByHand(model, rows)).map((logits) => softmax(logits))
    const predicted = await model.classify(texts, { ...cut, topK: 'all' })
    predicted.forEach((prediction, row) => {
      if (prediction.problemType !== 'single_label_classification') throw new Error('another problem type')
      for (const { label, score } of prediction.scores!) {
        expect(score).toBeCloseTo(chances[row]![names.indexOf(label)]!, 5)
      }
    })
    await expect(model.classify(texts, { stride: 2 })).rejects.toMatchObject({ where: 'options.stride' })
    await expect(model.classify(texts, { ...cut, stride: 12 })).rejects.toMatchObject({ where: 'options.stride' })
    await expect(model.classify([texts[1]!], { ...cut, stride: 11 })).rejects.toMatchObject({ where: 'options.stride' })
    const long = [texts[1]!, 'no'] as const
    await expect(model.classify([['a', 'b'], long], cut)).rejects.toMatchObject({
      code: 'sequence-too-long',
      where: 'inputs[1]',
    })
    const [short, pair] = await model.classify([['no', 'b'], ['no', texts[1]!]], cut) // prettier-ignore
    expect([short?.problemType, pair?.problemType]).toEqual(Array(2).fill('single_label_classification'))
  })

  it('of many labels', async () => {
    const problemType = 'multi_label_classification'
    await using model = await letterModel(letterBert, { task, labels: ['p', 'q'], problemType })
    const sets = [['p'], ['q'], [], ['p', 'q'], ['q']]
    const data = texts.map((text, i) => ({ text, labels: sets[i]! }))
    const means = await meansByHand(model, data)
    const report = (await evaluate(model, Dataset.from(data), { ...cut, records: true })) as MultiLabelReport
    expect(report.records).toHaveLength(5)
    const predicted = (await model.classify(texts, { ...cut, topK: 'all' })) as MultiLabelPrediction[]
    report.records!.forEach(({ probabilities, loss }, row) => {
      const chances = means[row]!.map((logit) => 1 / (1 + Math.exp(-logit)))
      const losses = chances.map((chance, i) => -Math.log(sets[row]!.includes('pq'[i]!) ? chance : 1 - chance))
      expect(loss).toBeCloseTo(mean(losses), 5)
      for (const { label, score } of predicted[row]!.scores!) {
        expect(score).toBeCloseTo(chances['pq'.indexOf(label)]!, 5)
        expect(probabilities[label]).toBeCloseTo(score, 6)
      }
    })
  })

  it('of numbers', async () => {
    await using model = await letterModel(letterBert, { task, labels: 1, problemType: 'regression' })
    const data = texts.map((text, i) => ({ text, label: i / 2 }))
    const means = (await meansByHand(model, data)).map(([value]) => value!)
    const report = (await evaluate(model, Dataset.from(data), { ...cut, records: true })) as RegressionReport
    expect(report).toMatchObject({ rows: 5, targets: 5 })
    expect(report.metrics.loss).toBeCloseTo(mean(means.map((value, i) => (value - i / 2) ** 2)), 5)
    expect(report.metrics.mae).toBeCloseTo(mean(means.map((value, i) => Math.abs(value - i / 2))), 5)
    const predicted = await model.classify(texts, cut)
    predicted.forEach((one, row) => {
      expect(one).toMatchObject({ problemType: 'regression' })
      expect('value' in one ? one.value : NaN).toBeCloseTo(means[row]!, 5)
    })
  })

  it('of encoded rows too, as long as the windows of a row stand together', async () => {
    await using model = await letterModel(letterBert, { task, labels: names })
    const { examples } = await encodeForTask(task, Dataset.from(rows), await model.tokenizer(), {
      ...cut,
      labels: names,
    })
    const whole = await measureExamples(model, examples, { tokensPerBatch: 30 })
    expect(whole).toMatchObject({ examples: examples.length, rows: 5, targets: 5 })
    const report = (await evaluate(model, Dataset.from(rows), cut)) as SingleLabelReport
    expect(whole.metrics['loss']).toBeCloseTo(report.metrics.loss ?? NaN, 6)
    const twice = await measureExamples(model, [...examples, ...examples], { tokensPerBatch: 30 })
    expect(twice).toMatchObject({ rows: 10, targets: 10 })
    expect(twice.metrics['loss']).toBeCloseTo(report.metrics.loss ?? NaN, 6)
  })
})

describe('token classification', () => {
  const names = ['B-X', 'I-X', 'O']
  const sentence = 'ab cde f ghij k lmn op qrst u vw xyz a bcd'.split(' ')
  const rows = [
    { tokens: sentence, tags: sentence.map((_, i) => names[(i * i) % 3]!) },
    { tokens: ['ab', 'c'], tags: ['B-X', 'I-X'] },
  ]

  it('counts entities on whole rows, and agrees with tag', async () => {
    await using model = await letterModel(letterBert, { task: 'token-classification', labels: names })
    const tagged = await model.tag(rows.map(({ tokens }) => tokens), { maxLength: 14 }) // prettier-ignore
    for (const tokensPerBatch of [1, 2048]) {
      const report = (await evaluate(model, Dataset.from(rows), {
        maxLength: 14,
        truncation: 'window',
        tokensPerBatch,
        records: true,
      })) as TokenClassificationReport
      expect(report).toMatchObject({ rows: 2, targets: sentence.length + 2, windowsLeftOut: 0 })
      expect(report.windows).toBeGreaterThan(1)
      expect(report.records!.map(({ labels }) => labels)).toEqual(rows.map(({ tags }) => tags))
      expect(report.records!.map(({ predictions }) => predictions)).toEqual(
        tagged.map(({ tags }) => tags!.map((tag) => tag?.label)),
      )
    }
  })

  it('refuses a stride as long as a window', async () => {
    await using model = await letterModel(letterBert, { task: 'token-classification', labels: names })
    await expect(model.tag(['ab'], { maxLength: 8, stride: 8 })).rejects.toMatchObject({ where: 'options.stride' })
    const wrong = evaluate(model, Dataset.from(rows), { maxLength: 8, stride: 8, truncation: 'window' })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid-option', where: 'options.stride' })
  })
})
