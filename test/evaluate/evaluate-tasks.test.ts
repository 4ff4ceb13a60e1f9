import { describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import type {
  MultiLabelReport,
  RegressionReport,
  SingleLabelReport,
  TokenClassificationReport,
} from '../../lib/evaluate/report.js'
import { entityScores } from '../../lib/evaluate/metrics/entities.js'
import { mcnemar } from '../../lib/evaluate/metrics/mcnemar.js'
import { precisionRecall } from '../../lib/evaluate/metrics/precision-recall.js'
import { lora } from '../../lib/nn/lora.js'
import { letterBert, letterModel } from './letter-model.js'

const words = ['a cat', 'the dog', 'no', 'yes, yes', 'it is', 'why?', 'so be it', 'ab', 'zebra', 'on we go']
const kinds = ['good', 'bad', 'good', 'good', 'bad', 'good', 'bad', 'good', 'good', 'good']
const labelled = Dataset.from(words.map((text, i) => ({ text, label: kinds[i]! })))
const close = (a: number | undefined, b: number): void => expect(Math.abs(a! - b)).toBeLessThan(1e-6)

describe('evaluate of single labels', () => {
  const options = { task: 'sequence-classification', labels: ['bad', 'good', 'ugly'] } as const

  it('reports numbers, classes, mistakes and the majority that agree with the records', async () => {
    await using model = await letterModel(letterBert, options)
    const report = (await evaluate(model, labelled, {
      records: true,
      confidence: 0.9,
      resamples: 200,
      customMetrics: { half: (records) => records.length / 2 },
    })) as SingleLabelReport
    const records = report.records!
    expect(records.map(({ origin, text, label }) => [origin, text, label])).toEqual(
      words.map((text, i) => [`row ${i}`, text, kinds[i]]),
    )
    const guesses = records.map(({ prediction }) => prediction)
    const right = guesses.filter((guess, i) => guess === kinds[i]).length
    close(report.metrics.accuracy, right / 10)
    // As scikit-learn: a class that no row has, and none is predicted as, is left out of the mean.
    const scores = precisionRecall(kinds, guesses)
    close(report.metrics.f1, scores.fScore)
    expect(report.details.confusionMatrix.classes).toEqual(options.labels)
    const [bad, good, ugly] = report.details.perClass
    expect([bad?.support, good?.support, ugly?.support]).toEqual([3, 7, 0])
    expect(report.details.confusionMatrix.counts.map((line) => line.reduce((sum, n) => sum + n, 0))).toEqual([3, 7, 0])
    close(report.metrics.loss, records.reduce((sum, { loss }) => sum + loss!, 0) / 10)
    for (const { probabilities, loss, label } of records) close(Math.exp(-loss!), probabilities[label]!)

    const wrong = records.filter(({ correct }) => !correct).sort((a, b) => b.loss! - a.loss!)
    expect(report.worst).toEqual(wrong)

    const { majority } = report.baselines
    close(majority?.metrics['accuracy'], 0.7)
    close(majority?.metrics['loss'], -(0.7 * Math.log(0.7) + 0.3 * Math.log(0.3)))
    const expected = mcnemar(
      kinds.map((kind) => kind === 'good'),
      records.map(({ correct }) => correct),
    )
    expect(majority?.mcnemar).toEqual(expected)
    expect(majority?.comparisons?.['accuracy']?.difference.value).toBeCloseTo(right / 10 - 0.7)
    const { value, low, high } = report.intervals!.accuracy!
    close(value, report.metrics.accuracy!)
    expect(low).toBeLessThanOrEqual(value)
    expect(high).toBeGreaterThanOrEqual(value)

    expect(report.custom).toEqual({ half: 5 })
    expect(report.warnings).toContainEqual({
      code: 'class-absent-from-validation',
      message: expect.stringContaining("'ugly'") as string,
    })
    expect(report.data).toEqual({ shape: 'text-label', files: [], labelCounts: { bad: 3, good: 7, ugly: 0 } })
    expect(report.run.options).toMatchObject({ confidence: 0.9, resamples: 200 })
    const parsed = JSON.parse(JSON.stringify(report)) as SingleLabelReport
    expect(parsed.metrics.accuracy).toBe(report.metrics.accuracy)
    expect(parsed.model).toMatchObject({ modelType: 'bert', labels: options.labels })
  })

  it('takes the majority from the training rows', async () => {
    await using model = await letterModel(letterBert, options)
    const train = Dataset.from([
      { text: 'x', label: 'bad' },
      { text: 'y', label: 'bad' },
      { text: 'z', label: 'good' },
    ])
    const { baselines } = await evaluate(model, labelled, { train, metrics: ['accuracy'] })
    close(baselines.majority?.metrics['accuracy'], 0.3)
  })

  it('measures the untuned model beside an adapter, and leaves the adapter on', async () => {
    await using model = await letterModel(letterBert, { ...options, labels: ['bad', 'good'] })
    const base = await evaluate(model, labelled, { baselines: [] })
    expect(base.baselines).toEqual({})
    await model.addAdapter(lora({ rank: 2 }))
    const optimizer = model.optimizer({ learningRate: 0.05 })
    for (let step = 0; step < 5; step++)
      await optimizer.step({
        inputIds: [
          [2, 5, 3],
          [2, 9, 3],
        ],
        labels: [0, 1],
      })
    for (const merged of [false, true]) {
      if (merged) await model.mergeAdapter()
      const report = (await evaluate(model, labelled)) as SingleLabelReport
      close(report.baselines.untuned?.metrics['loss'], (base as SingleLabelReport).metrics.loss!)
      expect(report.metrics.loss).not.toBeCloseTo(base.metrics.loss!, 3)
      expect(report.details.thresholdCurve).toHaveLength(101)
      const again = (await evaluate(model, labelled, { baselines: ['majority'] })) as SingleLabelReport
      close(again.metrics.loss, report.metrics.loss!)
      expect(Object.keys(again.baselines)).toEqual(['majority'])
    }
  })

  it('refuses what does not fit', async () => {
    await using model = await letterModel(letterBert, options)
    const refused = (given: object) => evaluate(model, labelled, given)
    await expect(refused({ metrics: ['bleu'] })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.metrics[0]',
    })
    await expect(refused({ generate: true })).rejects.toMatchObject({ where: 'options.generate' })
    await expect(refused({ baselines: ['untuned'] })).rejects.toMatchObject({ where: 'options.baselines' })
    await expect(refused({ average: 'binary' })).rejects.toMatchObject({ where: 'options.average' })
    const strange = Dataset.from([{ text: 'x', label: 'odd' }])
    await expect(evaluate(model, strange)).rejects.toMatchObject({
      code: 'unknown-label',
      message: expect.stringContaining('row 0') as string,
    })
    const many = Dataset.from([{ text: 'x', labels: ['bad', 'good'] }])
    await expect(evaluate(model, many)).rejects.toMatchObject({ code: 'invalid-dataset' })
  })
})

describe('evaluate', () => {
  it('decides by the thresholds and finds better ones, where rows have many labels', async () => {
    await using model = await letterModel(letterBert, {
      task: 'sequence-classification',
      labels: ['x', 'y'],
      problemType: 'multi_label_classification',
    })
    const sets = [['x'], ['y'], ['x', 'y'], [], ['x'], ['x'], [], ['y'], ['x', 'y'], []]
    const data = Dataset.from(words.map((text, i) => ({ text, labels: sets[i]! })))
    const report = (await evaluate(model, data, {
      records: true,
      threshold: [0.4, 0.6],
      average: 'micro',
    })) as MultiLabelReport
    for (const { predictions, probabilities } of report.records!) {
      expect(predictions).toEqual([
        ...(probabilities['x']! >= 0.4 ? ['x'] : []),
        ...(probabilities['y']! >= 0.6 ? ['y'] : []),
      ])
    }
    close(report.metrics.f1, report.details.averages.micro.fScore)
    expect(report.details.perLabel.map(({ support }) => support)).toEqual([5, 4])
    for (const { f1, bestThreshold } of report.details.perLabel) expect(bestThreshold.f1).toBeGreaterThanOrEqual(f1)
    const entropy = (p: number): number => -(p * Math.log(p) + (1 - p) * Math.log(1 - p))
    close(report.baselines.majority?.metrics['loss'], (entropy(0.5) + entropy(0.4)) / 2)
    await expect(evaluate(model, data, { threshold: [0.5] })).rejects.toMatchObject({ where: 'options.threshold' })
  })

  it('measures numbers against their mean', async () => {
    await using model = await letterModel(letterBert, { task: 'sequence-classification', labels: 1 })
    const data = Dataset.from(words.map((text, i) => ({ text, label: i + 0.5 })))
    const report = (await evaluate(model, data)) as RegressionReport
    close(report.baselines.majority?.metrics['r2'], 0)
    close(report.baselines.majority?.metrics['rmse'], Math.sqrt(8.25))
    expect(report.details.outputs[0]?.labels).toMatchObject({ mean: 5, min: 0.5, max: 9.5 })
    expect(report.worst[0]?.loss).toBeGreaterThanOrEqual(report.worst[1]!.loss!)
  })

  it('counts entities by seqeval rules, words by their first piece', async () => {
    const labels = ['O', 'B-PER', 'I-PER', 'B-LOC']
    await using model = await letterModel(letterBert, { task: 'token-classification', labels })
    const data = Dataset.from([
      { tokens: ['ann', 'lee', 'is', 'in', 'rome'], tags: ['B-PER', 'I-PER', 'O', 'O', 'B-LOC'] },
      { tokens: ['oslo', 'and', 'bob'], tags: ['B-LOC', 'O', 'B-PER'] },
      { tokens: ['no', 'names'], tags: ['O', 'O'] },
    ])
    const report = (await evaluate(model, data, { records: true })) as TokenClassificationReport
    const scores = entityScores(
      report.records!.map((record) => record.labels),
      report.records!.map(({ predictions }) => predictions),
    )
    expect(report.targets).toBe(10)
    close(report.metrics.f1, scores.micro.fScore)
    close(report.metrics.accuracy, scores.tokenAccuracy)
    expect(report.records![1]?.labels).toEqual(['B-LOC', 'O', 'B-PER'])
    expect(report.details.entities?.perType).toEqual(scores.perType)
    close(report.baselines.majority?.metrics['accuracy'], 0.5)
    expect(report.baselines.majority?.metrics['f1']).toBe(0)
  })
})
