import { describe, expect, it } from 'vitest'
import { multiLabelMetric, multiLabelScores } from '../../../lib/evaluate/metrics/multi-label.js'
import type { PrecisionRecall } from '../../../lib/evaluate/metrics/precision-recall.js'
import { searchThresholds } from '../../../lib/evaluate/metrics/thresholds.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import type { ClassificationGoldens } from './classification-goldens.js'
import { expectClose, readExpected } from './close.js'

const averages = ['micro', 'macro', 'weighted', 'samples'] as const

describe('multi-label scores', () => {
  it('agree with counting by hand', () => {
    const scores = multiLabelScores(
      [
        [1, 0, 1],
        [0, 1, 0],
      ],
      [
        [1, 1, 0],
        [0, 1, 0],
      ],
    )
    expect(scores.subsetAccuracy).toBe(1 / 2)
    expect(scores.hammingLoss).toBe(2 / 6)
    expect(scores.perLabel).toEqual([
      { precision: 1, recall: 1, fScore: 1, support: 1 },
      { precision: 1 / 2, recall: 1, fScore: 2 / 3, support: 1 },
      { precision: 0, recall: 0, fScore: 0, support: 1 },
    ])
    expectClose(scores.micro, { precision: 2 / 3, recall: 2 / 3, fScore: 2 / 3 }, 1e-15)
    expectClose(scores.samples, { precision: 3 / 4, recall: 3 / 4, fScore: 3 / 4 }, 1e-15)
  })

  it('refuse rows of another width, and no rows', () => {
    const metric = multiLabelMetric()
    expect(refusal(() => metric.value())).toMatchObject({ code: 'empty-dataset' })
    metric.add([1, 0], [1, 0])
    expect(refusal(() => metric.add([1], [1]))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => metric.add([1, 0], [1]))).toMatchObject({ code: 'shape-mismatch' })
  })

  it("give scikit-learn's averages where labels are absent and rows empty", () => {
    type Expected = Record<string, number[]> & { labels: number[][]; predictions: number[][] }
    const { multi_label: expected } = readExpected<{ multi_label: Expected }>('expected-classification.json')
    for (const [name, zeroDivision] of Object.entries({ '0': 0, '1': 1, nan: NaN })) {
      const scores = multiLabelScores(expected.labels, expected.predictions, { zeroDivision })
      for (const average of averages) {
        const key = `${average}, zero division ${name}`
        expectClose(triple(scores[average]), expected[key], 1e-12, key)
      }
    }
    for (const zeroDivision of [0, 1]) {
      const nothing = [
        [0, 0],
        [0, 0],
      ]
      const { weighted } = multiLabelScores(nothing, [[1, 0], nothing[1]!], { zeroDivision })
      expectClose(triple(weighted), expected[`nothing there, weighted, zero division ${zeroDivision}`], 1e-15)
    }
  })

  function triple({ precision, recall, fScore }: PrecisionRecall): number[] {
    return [precision, recall, fScore]
  }
})

describe('the threshold search', () => {
  it('finds a threshold for each label and one for all', () => {
    const { perLabel, global } = searchThresholds(
      [
        [1, 0, 0],
        [1, 1, 0],
        [0, 0, 0],
      ],
      [
        [0.75, 0.2, 0.1],
        [0.5, 0.3, 0.1],
        [0.25, 0.1, 0.1],
      ],
    )
    expect(perLabel).toEqual([
      { threshold: 0.375, f1: 1, support: 2 },
      { threshold: 0.25, f1: 1, support: 1 },
      { threshold: 0.5, f1: 0, support: 0 },
    ])
    expect(global).toEqual({ threshold: 0.275, f1: 1, support: 3 })
  })

  it('takes constant scores as all or nothing, and refuses no rows', () => {
    const { perLabel } = searchThresholds([[1], [0]], [[0.5], [0.5]])
    expect(perLabel).toEqual([{ threshold: 0.5, f1: 2 / 3, support: 1 }])
    expect(refusal(() => searchThresholds([], []))).toMatchObject({ code: 'empty-dataset' })
  })
})

describe.skipIf(goldensFolder === undefined)(`scikit-learn's goldens ${goldensMissing}`, () => {
  it('every number', () => {
    const goldens = readGolden<ClassificationGoldens>('metrics', 'classification.json')
    const tolerance = goldens.tolerance.abs
    expect(goldens.multi_label.length).toBeGreaterThan(0)
    for (const golden of goldens.multi_label) {
      const scores = multiLabelScores(golden.labels, golden.predictions)
      expectClose(scores.subsetAccuracy, golden.subset_accuracy, tolerance)
      expectClose(scores.hammingLoss, golden.hamming_loss, tolerance)
      for (const average of averages) {
        const { precision, recall, fScore } = scores[average]
        expectClose({ precision, recall, f1: fScore }, golden[average], tolerance, average)
      }
    }
  })
})
