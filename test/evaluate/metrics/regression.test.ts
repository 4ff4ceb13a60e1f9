import { describe, expect, it } from 'vitest'
import { regressionScores, spearman } from '../../../lib/evaluate/metrics/regression.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import type { ClassificationGoldens, RegressionGolden } from './classification-goldens.js'
import { expectClose, readExpected } from './close.js'

describe('regression scores', () => {
  it('agree with counting by hand', () => {
    expectClose(
      regressionScores([1, 2, 3], [2, 2, 5]),
      { mse: 5 / 3, rmse: Math.sqrt(5 / 3), mae: 1, r2: 1 - 5 / 2, pearson: 3 / Math.sqrt(2 * 6) },
      1e-15,
    )
    expect(spearman([1, 2, 3], [10, 200, 3000])).toBeCloseTo(1, 15)
    expect(spearman([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 15)
  })

  it('say something sensible at the edges', () => {
    expect(regressionScores([2, 2], [2, 2])).toEqual({ mse: 0, rmse: 0, mae: 0, r2: 1, pearson: NaN })
    expect(regressionScores([2, 2], [1, 3]).r2).toBe(0)
    expect(regressionScores([2], [1])).toMatchObject({ mse: 1, r2: NaN, pearson: NaN })
    expect(spearman([1, 2, 3], [5, 5, 5])).toBeNaN()
    expect(refusal(() => regressionScores([], []))).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => regressionScores([1], [1, 2]))).toMatchObject({ code: 'shape-mismatch' })
  })

  it("give scikit-learn's and scipy's numbers where the mean is large and ranks are tied", () => {
    type Expected = Omit<RegressionGolden, 'rmse'>
    const { labels, predictions, ...expected } = readExpected<{ regression: Expected }>(
      'expected-classification.json',
    ).regression
    const scores = { ...regressionScores(labels, predictions), spearman: spearman(labels, predictions) }
    expectClose(scores, expected, 1e-9)
  })
})

describe.skipIf(goldensFolder === undefined)(`scikit-learn's goldens ${goldensMissing}`, () => {
  it('every number', () => {
    const goldens = readGolden<ClassificationGoldens>('metrics', 'classification.json')
    expect(goldens.regression.length).toBeGreaterThan(0)
    for (const { labels, predictions, ...expected } of goldens.regression) {
      const scores = { ...regressionScores(labels, predictions), spearman: spearman(labels, predictions) }
      expectClose(scores, expected, goldens.tolerance.abs)
    }
  })
})
