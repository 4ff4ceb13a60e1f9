import { describe, expect, it } from 'vitest'
import {
  accuracy,
  accuracyMetric,
  balancedAccuracy,
  cohenKappa,
  matthewsCorrelation,
} from '../../../lib/evaluate/metrics/accuracy.js'
import { confusionMatrix, confusionMatrixMetric } from '../../../lib/evaluate/metrics/confusion-matrix.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import { expectClose } from './close.js'
import type { ClassificationGoldens } from './classification-goldens.js'

const labels = ['cat', 'cat', 'dog', 'cat', 'eel']
const predictions = ['cat', 'dog', 'dog', 'cat', 'cat']

describe('the confusion matrix', () => {
  it('counts labels in rows and predictions in columns', () => {
    expect(confusionMatrix(labels, predictions)).toEqual({
      classes: ['cat', 'dog', 'eel'],
      counts: [
        [2, 1, 0],
        [0, 1, 0],
        [1, 0, 0],
      ],
    })
  })

  it('orders ids as numbers, and keeps the order of classes that are given, with those that no row has', () => {
    expect(confusionMatrix([10, 9, 9], [9, 9, 100]).classes).toEqual([9, 10, 100])
    expect(confusionMatrix([1], [1], { classes: [1, 0] })).toEqual({
      classes: [1, 0],
      counts: [
        [1, 0],
        [0, 0],
      ],
    })
  })

  it('refuses a class that is not among those given, classes named twice, columns of other lengths, and no rows', () => {
    const metric = confusionMatrixMetric({ classes: ['yes', 'no'] })
    expect(refusal(() => metric.add('maybe', 'no'))).toMatchObject({
      code: 'invalid-dataset',
      message: '"maybe" is none of the classes: yes, no',
    })
    expect(refusal(() => confusionMatrixMetric({ classes: [1, 1] }))).toMatchObject({
      code: 'invalid-option',
      where: 'options.classes',
    })
    expect(refusal(() => confusionMatrix([1, 2], [1]))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => confusionMatrix([], []))).toMatchObject({
      code: 'empty-dataset',
      message: expect.stringContaining('at least one row') as string,
    })
  })
})

describe('accuracy, balanced accuracy, MCC and kappa', () => {
  it('agree with counting by hand', () => {
    expect(accuracy(labels, predictions)).toBeCloseTo(3 / 5, 15)
    expect(balancedAccuracy(labels, predictions)).toBeCloseTo((2 / 3 + 1 + 0) / 3, 15)
    // Chance agreement: (3·3 + 1·2 + 1·0) / 25 = 0.44.
    expect(cohenKappa(labels, predictions)).toBeCloseTo((0.6 - 0.44) / (1 - 0.44), 15)
    expect(matthewsCorrelation([1, 1, 0, 0], [1, 0, 0, 0])).toBeCloseTo(2 / Math.sqrt(12), 15)
  })

  it('say something sensible at the edges', () => {
    expect(matthewsCorrelation([0, 1], [1, 1])).toBe(0)
    expect(cohenKappa([1, 1], [1, 1])).toBeNaN()
    // A class that is only predicted has no recall (scikit-learn: 1/3, with a warning).
    expect(balancedAccuracy([0, 0, 0], [1, 0, 1])).toBeCloseTo(1 / 3, 15)
    expect(refusal(() => accuracy([], []))).toMatchObject({ code: 'empty-dataset' })
  })

  it('stream', () => {
    const metric = accuracyMetric()
    metric.add(1, 1)
    expect(metric.value()).toBe(1)
    metric.add(0, 1)
    expect(metric.value()).toBe(0.5)
  })
})

describe.skipIf(goldensFolder === undefined)(`scikit-learn's goldens ${goldensMissing}`, () => {
  const goldens =
    goldensFolder === undefined ? undefined : readGolden<ClassificationGoldens>('metrics', 'classification.json')

  it.each(goldens?.single_label ?? [])('$name', (golden) => {
    const tolerance = goldens?.tolerance.abs ?? 0
    const { labels, predictions } = golden
    expect(confusionMatrix(labels, predictions)).toEqual({ classes: golden.classes, counts: golden.confusion_matrix })
    expectClose(accuracy(labels, predictions), golden.accuracy, tolerance)
    expectClose(matthewsCorrelation(labels, predictions), golden.mcc, tolerance)
    expectClose(cohenKappa(labels, predictions), golden.cohen_kappa, tolerance)
    // Not given in one case, where scikit-learn warns (tested above).
    if (golden.balanced_accuracy !== null) {
      expectClose(balancedAccuracy(labels, predictions), golden.balanced_accuracy, tolerance)
    }
  })
})
