import { describe, expect, it } from 'vitest'
import { entitiesOf, entityMetric, entityScores } from '../../../lib/evaluate/metrics/entities.js'
import type { PrecisionRecall } from '../../../lib/evaluate/metrics/precision-recall.js'
import { refusal } from '../../refusal.js'
import { expectClose, readExpected } from './close.js'

interface EntityCase extends Readonly<Record<`${string}, zero division ${0 | 1}`, readonly number[]>> {
  readonly name: string
  readonly suffix: boolean
  readonly labels: readonly (readonly string[])[]
  readonly predictions: readonly (readonly string[])[]
  readonly entities: readonly (readonly (readonly [type: string, start: number, end: number])[])[]
  readonly types: readonly string[]
}
const { entities: cases } = readExpected<{ entities: EntityCase[] }>('expected-classification.json')

describe('entities', () => {
  it('are read from every scheme', () => {
    const person = (start: number, end: number) => ({ type: 'PER', start, end })
    expect(entitiesOf(['B-PER', 'I-PER', 'O', 'B-PER', 'B-PER'])).toEqual([person(0, 1), person(3, 3), person(4, 4)])
    // IOB1: only the second of two neighbours begins with B.
    expect(entitiesOf(['I-PER', 'I-PER', 'B-PER', 'O'])).toEqual([person(0, 1), person(2, 2)])
    expect(entitiesOf(['I-PER', 'E-PER', 'E-PER'])).toEqual([person(0, 1), person(2, 2)])
    expect(entitiesOf(['S-PER', 'B-PER', 'E-PER', 'I-PER'])).toEqual([person(0, 0), person(1, 2), person(3, 3)])
    expect(entitiesOf(['PER-B', 'PER-I'], { suffix: true })).toEqual([person(0, 1)])
    expect(entitiesOf(['B-PER', 'I-LOC'])).toEqual([person(0, 0), { type: 'LOC', start: 1, end: 1 }])
    expect(entitiesOf(['B', 'I'])).toEqual([{ type: '_', start: 0, end: 1 }])
    expect(entitiesOf([])).toEqual([])
  })

  it('count as found where type and both ends are right', () => {
    const scores = entityScores(
      [
        ['B-PER', 'I-PER', 'O'],
        ['B-LOC', 'O', 'B-PER'],
      ],
      [
        ['B-PER', 'I-PER', 'O'],
        ['B-LOC', 'I-LOC', 'B-PER'],
      ],
    )
    expectClose(scores.micro, { precision: 2 / 3, recall: 2 / 3, fScore: 2 / 3 }, 1e-15)
    expectClose(scores.macro, { precision: 1 / 2, recall: 1 / 2, fScore: 1 / 2 }, 1e-15)
    expectClose(scores.weighted.recall, 2 / 3, 1e-15)
    expect(scores.perType).toEqual([
      { type: 'LOC', precision: 0, recall: 0, fScore: 0, support: 1 },
      { type: 'PER', precision: 1, recall: 1, fScore: 1, support: 2 },
    ])
    expect(scores.tokenAccuracy).toBe(5 / 6)
  })

  it.each(cases)("give seqeval's numbers: $name", ({ suffix, labels, predictions, entities, types, ...expected }) => {
    expect(labels.map((row) => entitiesOf(row, { suffix }).map(({ type, start, end }) => [type, start, end]))).toEqual(
      entities,
    )
    for (const zeroDivision of [0, 1] as const) {
      const scores = entityScores(labels, predictions, { suffix, zeroDivision })
      for (const average of ['micro', 'macro', 'weighted'] as const) {
        expectClose(triple(scores[average]), expected[`${average}, zero division ${zeroDivision}`], 1e-12, average)
      }
      const { perType } = scores
      expect(perType.map(({ type }) => type)).toEqual(types)
      const perColumn = [0, 1, 2].map((column) => perType.map((one) => triple(one)[column]))
      const supports = perType.map(({ support }) => support)
      expectClose([...perColumn, supports], expected[`per type, zero division ${zeroDivision}`], 1e-12)
    }
  })

  it('say something sensible at the edges, and refuse what makes no sense', () => {
    expect(entityScores([['O']], [['O']]).micro).toEqual({ precision: 0, recall: 0, fScore: 0 })
    expect(entityScores([['O']], [['O']], { zeroDivision: 1 }).macro.fScore).toBe(1)
    expect(refusal(() => entityScores([], []))).toMatchObject({ code: 'empty-dataset' })
    expect(refusal(() => entityMetric().add(['O'], ['O', 'O']))).toMatchObject({ code: 'shape-mismatch' })
    expect(refusal(() => entitiesOf(['O', '']))).toMatchObject({ code: 'invalid-dataset', where: 'tags[1]' })
  })
})

function triple({ precision, recall, fScore }: PrecisionRecall): readonly number[] {
  return [precision, recall, fScore]
}
