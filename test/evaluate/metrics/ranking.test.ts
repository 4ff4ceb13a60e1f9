import { describe, expect, it } from 'vitest'
import { brierScore, logLoss, topKAccuracy, topKAccuracyMetric } from '../../../lib/evaluate/metrics/probabilities.js'
import { averagePrecision, multiclassRocAuc, rocAuc, rocAucMetric } from '../../../lib/evaluate/metrics/ranking.js'
import { bestThreshold, thresholdCurveMetric } from '../../../lib/evaluate/metrics/thresholds.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import type { ClassificationGoldens } from './classification-goldens.js'
import { expectClose, readExpected } from './close.js'

interface Expected {
  readonly ranking: {
    readonly labels: number[]
    readonly scores: number[]
    readonly roc_auc: number
    readonly average_precision: number
    readonly brier: number
    readonly best_f1: number
    readonly constant: { readonly roc_auc: number; readonly average_precision: number }
  }
  readonly multiclass: {
    readonly labels: number[]
    readonly raw_scores: number[][]
    readonly log_loss: number
    readonly brier: number
    readonly ovr_macro: number
    readonly ovr_weighted: number
    readonly ovo_macro: number
    readonly ovo_weighted: number
    readonly top_k: number[]
  }
}
const { ranking, multiclass } = readExpected<Expected>('expected-classification.json')
describe('ROC-AUC and average precision', () => {
  it('count pairs and precisions', () => {
    // Of the 4 pairs 2 are in order and one is tied.
    expect(rocAuc([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.7])).toBe(2.5 / 4)
    expect(averagePrecision([1, 0, 1, 0], [0.9, 0.7, 0.6, 0.5])).toBeCloseTo((1 + 2 / 3) / 2, 15)
  })

  it("give scikit-learn's numbers with ties and with constant scores", () => {
    const constant = ranking.labels.map(() => 0.5)
    expectClose(rocAuc(ranking.labels, ranking.scores), ranking.roc_auc, 1e-12)
    expectClose(averagePrecision(ranking.labels, ranking.scores), ranking.average_precision, 1e-12)
    expectClose(rocAuc(ranking.labels, constant), ranking.constant.roc_auc, 1e-12)
    expectClose(averagePrecision(ranking.labels, constant), ranking.constant.average_precision, 1e-12)
    expectClose(bestThreshold(ranking.labels, ranking.scores).f1, ranking.best_f1, 1e-12)
  })

  it('are undefined, or 0, where a class is absent', () => {
    expect(rocAuc([1, 1], [0.3, 0.2])).toBeNaN()
    expect(averagePrecision([0, 0], [0.3, 0.2])).toBe(0)
    expect(
      multiclassRocAuc(
        [1, 1],
        [
          [0.3, 0.7],
          [0.4, 0.6],
        ],
      ),
    ).toBeNaN()
    // Class 2 has no row: the mean is over the others.
    const scores = [
      [0.7, 0.2, 0.1],
      [0.2, 0.7, 0.1],
    ]
    expect(multiclassRocAuc([0, 1], scores)).toBe(1)
    expect(multiclassRocAuc([0, 1], scores, { multiClass: 'ovo' })).toBe(1)
  })

  it('refuse no rows, other labels, NaN and ragged scores', () => {
    expect(refusal(() => rocAucMetric().value())).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => multiclassRocAuc([], []))).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => rocAuc([0, 2], [0.1, 0.2]))).toMatchObject({ code: 'invalid-dataset' })
    expect(refusal(() => rocAuc([0, 1], [0.1, NaN]))).toMatchObject({ code: 'invalid-dataset' })
    expect(refusal(() => rocAuc([0, 1], [0.1]))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => multiclassRocAuc([0, 1], [[0.1, 0.9], [1]]))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => multiclassRocAuc([2], [[0.1, 0.9]]))).toMatchObject({ code: 'invalid-dataset' })
  })

  it('average over classes and pairs as scikit-learn', () => {
    const { labels } = multiclass
    const scores = normalized(multiclass.raw_scores)
    for (const multiClass of ['ovr', 'ovo'] as const) {
      for (const average of ['macro', 'weighted'] as const) {
        const expected = multiclass[`${multiClass}_${average}`]
        expectClose(multiclassRocAuc(labels, scores, { multiClass, average }), expected, 1e-12, multiClass + average)
      }
    }
  })
})

describe('log loss, Brier score and top-k accuracy', () => {
  it("give scikit-learn's numbers", () => {
    const { labels, raw_scores: raw } = multiclass
    expectClose(logLoss(labels, normalized(raw)), multiclass.log_loss, 1e-12)
    expectClose(brierScore(labels, normalized(raw)), multiclass.brier, 1e-12)
    expectClose(brierScore(ranking.labels, ranking.scores), ranking.brier, 1e-12)
    // Many of these scores are tied.
    for (const k of [1, 2, 3]) expectClose(topKAccuracy(labels, raw, k), multiclass.top_k[k - 1], 1e-12)
  })

  it('take the probability of class 1 or of both', () => {
    const both = ranking.scores.map((p) => [1 - p, p])
    expectClose(brierScore(ranking.labels, both), ranking.brier, 1e-12)
    expect(logLoss([1, 0], [0.25, 0.75])).toBeCloseTo(Math.log(4), 12)
    expect(logLoss([1], [0])).toBeCloseTo(-Math.log(Number.EPSILON), 12)
  })

  it('refuse labels without a probability, a bad k and no rows', () => {
    expect(refusal(() => logLoss([2], [[0.5, 0.5]]))).toMatchObject({ code: 'invalid-dataset' })
    expect(refusal(() => brierScore([-1], [0.5]))).toMatchObject({ code: 'invalid-dataset' })
    expect(refusal(() => topKAccuracyMetric(0))).toMatchObject({ code: 'invalid-option' })
    expect(refusal(() => logLoss([], []))).toMatchObject({ code: 'empty-dataset' })
  })
})

describe('the threshold curve', () => {
  it('is precision, recall and F1 at each threshold', () => {
    const metric = thresholdCurveMetric([0, 0.5, 1])
    expect(refusal(() => metric.value())).toMatchObject({ code: 'empty-dataset' })
    metric.add(1, 0.9)
    metric.add(0, 0.5)
    metric.add(1, 0.2)
    expectClose(
      metric.value(),
      [
        { threshold: 0, precision: 2 / 3, recall: 1, fScore: 4 / 5 },
        { threshold: 0.5, precision: 1 / 2, recall: 1 / 2, fScore: 1 / 2 },
        { threshold: 1, precision: 0, recall: 0, fScore: 0 },
      ],
      1e-15,
    )
  })
})

describe.skipIf(goldensFolder === undefined)(`scikit-learn's goldens ${goldensMissing}`, () => {
  const goldens =
    goldensFolder === undefined ? undefined : readGolden<ClassificationGoldens>('metrics', 'classification.json')
  const tolerance = goldens?.tolerance.abs ?? 0

  it.each(goldens?.roc_auc ?? [])('$name', ({ labels, scores, ...expected }) => {
    expectClose(rocAuc(labels, scores), expected.roc_auc, tolerance)
    expectClose(averagePrecision(labels, scores), expected.average_precision, tolerance)
    const [clip] = expected.log_loss_clip
    expectClose(logLoss(labels, scores, { clip }), expected.log_loss, tolerance)
  })

  it('several classes', () => {
    const { labels, scores, ...expected } = goldens!.roc_auc_multiclass
    expectClose(multiclassRocAuc(labels, scores), expected.ovr_macro, tolerance)
    expectClose(multiclassRocAuc(labels, scores, { average: 'weighted' }), expected.ovr_weighted, tolerance)
    expectClose(multiclassRocAuc(labels, scores, { multiClass: 'ovo' }), expected.ovo_macro, tolerance)
    expectClose(topKAccuracy(labels, scores, 2), expected.top_2_accuracy, tolerance)
    expectClose(logLoss(labels, scores), expected.log_loss, tolerance)
  })
})

function normalized(rows: readonly (readonly number[])[]): number[][] {
  return rows.map((row) => row.map((x) => x / row.reduce((sum, y) => sum + y, 0)))
}
