import { describe, expect, it } from 'vitest'
import { accuracyMetric } from '../../../lib/evaluate/metrics/accuracy.js'
import { bleu } from '../../../lib/evaluate/metrics/bleu.js'
import { bootstrap, pairedBootstrap } from '../../../lib/evaluate/metrics/bootstrap.js'
import type { ClassRow } from '../../../lib/evaluate/metrics/confusion-matrix.js'
import { mcnemar } from '../../../lib/evaluate/metrics/mcnemar.js'
import { derived } from '../../../lib/evaluate/metrics/metric.js'
import { rocAucMetric, type BinaryScoreRow } from '../../../lib/evaluate/metrics/ranking.js'
import { contributionsMetric } from '../../../lib/evaluate/metrics/summed.js'
import { refusal } from '../../refusal.js'
import { expectClose, readExpected } from './close.js'

/** `right` rows predicted rightly of `rows`. */
const rowsWith = (right: number, rows: number): ClassRow[] =>
  Array.from({ length: rows }, (_, row): ClassRow => [1, row < right ? 1 : 0])

describe('the bootstrap', () => {
  it('gives the interval of a binomial share', () => {
    const { value, low, high, standardError } = bootstrap(accuracyMetric, rowsWith(80, 100), { resamples: 1000 })
    expect(value).toBe(0.8)
    // Of 100 throws with chance 0.8: 0.04 deviation. The quantiles of the binomial are 72 and 87 (scipy); resampling errs by one row.
    expectClose([standardError, low, high], [0.04, 0.72, 0.87], 0.01)
  })

  it('is the same for the same seed, and another for another', () => {
    const rows = rowsWith(30, 50)
    const first = bootstrap(accuracyMetric, rows, { resamples: 200, seed: 3 })
    expect(bootstrap(accuracyMetric, rows, { resamples: 200, seed: 3 })).toEqual(first)
    expect(bootstrap(accuracyMetric, rows, { resamples: 200, seed: 4 })).not.toEqual(first)
    const narrow = bootstrap(accuracyMetric, rows, { resamples: 200, seed: 3, confidence: 0.5 })
    expect(narrow.high - narrow.low).toBeLessThan(first.high - first.low)
  })

  it('takes a corpus metric from the contributions of its rows', () => {
    const summed = bleu()
    const texts = [
      ['the cat sat on the mat', 'the cat sat on the mat'],
      ['a dog barked at the old man', 'a dog barks at an old man'],
      ['it rained all day long', 'it was raining for the whole day long'],
    ] as const
    const rows = texts.map(([hypothesis, reference]): [readonly number[]] => [
      summed.contribution(hypothesis, reference),
    ])
    const makeMetric = () => derived(contributionsMetric(summed), (score) => score.bleu)
    const { value, low, high } = bootstrap(makeMetric, rows, { resamples: 300 })
    const whole = contributionsMetric(summed)
    for (const row of rows) whole.add(...row)
    expect(value).toBe(whole.value().bleu)
    // Among 300 draws of 3 rows some are 3 times the best row, and some 3 times the worst.
    expect(high).toBeCloseTo(100, 10)
    expect(low).toBeLessThan(summed.score(summed.contribution(...texts[1])).bleu)
  })

  it('leaves out resamples on which the metric is undefined, and counts them', () => {
    const rows: BinaryScoreRow[] = [
      [1, 0.9],
      [0, 0.1],
    ]
    const { low, high, undefinedResamples } = bootstrap(rocAucMetric, rows, { resamples: 100 })
    expect([low, high]).toEqual([1, 1])
    // Half of the draws of two rows hold one class only.
    expect(Math.abs(undefinedResamples - 50)).toBeLessThan(25)
  })

  it('refuses no rows and options without meaning', () => {
    expect(refusal(() => bootstrap(accuracyMetric, []))).toMatchObject({ code: 'empty-dataset' })
    const rows = rowsWith(1, 2)
    expect(refusal(() => bootstrap(accuracyMetric, rows, { resamples: 0 }))).toMatchObject({
      where: 'options.resamples',
    })
    expect(refusal(() => bootstrap(accuracyMetric, rows, { confidence: 95 }))).toMatchObject({
      where: 'options.confidence',
    })
    expect(refusal(() => bootstrap(accuracyMetric, rows, { seed: -1 }))).toMatchObject({ where: 'options.seed' })
  })
})

describe('the paired bootstrap', () => {
  it('finds a steady difference and no other', () => {
    const first = rowsWith(50, 100)
    const better = pairedBootstrap(accuracyMetric, first, rowsWith(70, 100), { resamples: 300 })
    expect(better.difference.value).toBeCloseTo(0.2, 12)
    expect(better.difference.low).toBeGreaterThan(0.1)
    expect(better.pValue).toBeLessThan(0.01)
    expect(better.first.value).toBe(0.5)
    expect(better.second.value).toBe(0.7)
    // Three rows that changed sides of a hundred are nothing to speak of.
    const shuffled = [...rowsWith(48, 97), [1, 1], [1, 1], [1, 1]] as ClassRow[]
    expect(pairedBootstrap(accuracyMetric, first, shuffled, { resamples: 300 }).pValue).toBeGreaterThan(0.1)
    expect(pairedBootstrap(accuracyMetric, first, first, { resamples: 100 }).pValue).toBe(1)
  })

  it('refuses systems on other numbers of rows', () => {
    expect(refusal(() => pairedBootstrap(accuracyMetric, rowsWith(1, 2), rowsWith(1, 3)))).toMatchObject({
      code: 'shape-mismatch',
    })
    expect(refusal(() => pairedBootstrap(accuracyMetric, [], []))).toMatchObject({ code: 'empty-dataset' })
  })
})

describe("McNemar's test", () => {
  const correct = (counts: readonly (readonly [boolean, number])[]): boolean[] =>
    counts.flatMap(([value, count]) => new Array<boolean>(count).fill(value))

  it("gives scipy's exact binomial numbers", () => {
    interface Case {
      readonly only_first: number
      readonly only_second: number
      readonly p: number
    }
    const { mcnemar: cases } = readExpected<{ mcnemar: Case[] }>('expected-classification.json')
    for (const { only_first: onlyFirst, only_second: onlySecond, p } of cases) {
      const both = [true, 7] as const
      const first = correct([both, [true, onlyFirst], [false, onlySecond]])
      const second = correct([both, [false, onlyFirst], [true, onlySecond]])
      const result = mcnemar(first, second)
      expect(result).toMatchObject({ onlyFirst, onlySecond })
      expectClose(result.pValue, p, 1e-9)
    }
  })

  it('says nothing of equal systems and refuses unequal rows', () => {
    expect(mcnemar([true, false], [true, false])).toEqual({ onlyFirst: 0, onlySecond: 0, pValue: 1 })
    expect(refusal(() => mcnemar([true], [true, false]))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => mcnemar([], []))).toMatchObject({ code: 'empty-dataset' })
  })
})
