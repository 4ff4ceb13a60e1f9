import { describe, expect, it } from 'vitest'
import {
  classScores,
  f1,
  precisionRecall,
  precisionRecallMetric,
  type Average,
} from '../../../lib/evaluate/metrics/precision-recall.js'
import { refusal } from '../../refusal.js'
import { goldensFolder, goldensMissing, readGolden } from '../../shared-goldens.js'
import type { ClassificationGoldens } from './classification-goldens.js'
import { expectClose, readExpected } from './close.js'

// Class 0: 2 of 3 found, 2 of 2 right. Class 1: 1 of 1, 1 of 3. Class 2: 0 of 1, never predicted.
const labels = [0, 0, 0, 1, 2]
const predictions = [0, 0, 1, 1, 1]

describe('precision, recall and F', () => {
  it('agree with counting by hand', () => {
    expectClose(
      classScores(labels, predictions),
      [
        { label: 0, precision: 1, recall: 2 / 3, fScore: 4 / 5, support: 3 },
        { label: 1, precision: 1 / 3, recall: 1, fScore: 1 / 2, support: 1 },
        { label: 2, precision: 0, recall: 0, fScore: 0, support: 1 },
      ],
      1e-15,
    )
    expectClose(precisionRecall(labels, predictions), { precision: 4 / 9, recall: 5 / 9, fScore: 1.3 / 3 }, 1e-15)
    expectClose(precisionRecall(labels, predictions, { average: 'micro' }).fScore, 3 / 5, 1e-15)
    expectClose(precisionRecall(labels, predictions, { average: 'weighted' }).recall, 3 / 5, 1e-15)
    expectClose(f1([1, 1, 0], [1, 0, 0], { average: 'binary' }), 2 / 3, 1e-15)
    expectClose(f1(['y', 'y', 'n'], ['y', 'n', 'n'], { average: 'binary', positive: 'n' }), 2 / 3, 1e-15)
  })

  it('count a class without rows or predictions as 0/0, which is 0, 1 or left out', () => {
    const options = { classes: [0, 1, 2, 3] } as const
    expect(precisionRecall(labels, predictions, options).recall).toBeCloseTo(5 / 12, 15)
    expect(precisionRecall(labels, predictions, { ...options, zeroDivision: 1 }).recall).toBeCloseTo(8 / 12, 15)
    const leftOut = precisionRecall(labels, predictions, { ...options, zeroDivision: NaN })
    expectClose(leftOut, { precision: 2 / 3, recall: 5 / 9, fScore: 1.3 / 3 }, 1e-15)
  })

  it('refuse what makes no sense', () => {
    const binary = precisionRecallMetric({ average: 'binary' })
    for (const label of [0, 1, 2]) binary.add(label, label)
    expect(refusal(() => binary.value())).toMatchObject({ code: 'invalid-option', where: 'options.average' })
    expect(refusal(() => f1(['y', 'n'], ['y', 'n'], { average: 'binary' }))).toMatchObject({
      where: 'options.positive',
    })
    expect(refusal(() => f1([1], [1], { beta: -1 }))).toMatchObject({ where: 'options.beta' })
    expect(refusal(() => f1([], []))).toMatchObject({ code: 'empty-dataset' })
  })

  it("give scikit-learn's F-beta", () => {
    interface FBeta {
      readonly labels: number[]
      readonly predictions: number[]
      readonly beta: Record<string, Record<Average, number>>
    }
    const { f_beta: expected } = readExpected<{ f_beta: FBeta }>('expected-classification.json')
    for (const [beta, averages] of Object.entries(expected.beta)) {
      for (const average of ['micro', 'macro', 'weighted'] as const) {
        const options = { beta: Number(beta), average }
        expectClose(f1(expected.labels, expected.predictions, options), averages[average], 1e-12, `beta ${beta}`)
      }
    }
  })
})

describe.skipIf(goldensFolder === undefined)(`scikit-learn's goldens ${goldensMissing}`, () => {
  const goldens =
    goldensFolder === undefined ? undefined : readGolden<ClassificationGoldens>('metrics', 'classification.json')

  it.each(goldens?.single_label ?? [])('$name', (golden) => {
    const tolerance = goldens?.tolerance.abs ?? 0
    const { labels, predictions } = golden
    for (const zeroDivision of [0, 1] as const) {
      for (const average of ['binary', 'micro', 'macro', 'weighted'] as const) {
        const expected = golden[`${average}, zero_division ${zeroDivision}`]
        if (expected === undefined) {
          expect(average).toBe('binary')
          continue
        }
        const { precision, recall, fScore } = precisionRecall(labels, predictions, { average, zeroDivision })
        expectClose({ precision, recall, f1: fScore }, expected, tolerance, `${average}, ${zeroDivision}`)
      }
    }
    const perClass = classScores(labels, predictions)
    expectClose(
      perClass.map(({ precision }) => precision),
      golden.per_class.precision,
      tolerance,
    )
    expectClose(
      perClass.map(({ recall }) => recall),
      golden.per_class.recall,
      tolerance,
    )
    expectClose(
      perClass.map(({ fScore }) => fScore),
      golden.per_class.f1,
      tolerance,
    )
    expect(perClass.map(({ support }) => support)).toEqual(golden.per_class.support)
    expectClose(f1(labels, predictions, { beta: 2 }), golden.fbeta2_macro, tolerance)
  })
})
