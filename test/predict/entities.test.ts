import { describe, expect, test } from 'vitest'
import { aggregate, type ScoredToken } from '../../lib/predict/entities.js'

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']

function token(start: number, end: number, word: number, label: string, score = 0.9): ScoredToken {
  const rest = (1 - score) / (labels.length - 1)
  return { start, end, word, scores: labels.map((name) => (name === label ? score : rest)) }
}

// "Ada Lovelace met Bo": Love|lace is one word of two tokens.
const sentence = [
  token(0, 3, 0, 'B-PER', 0.8),
  token(4, 8, 1, 'I-PER', 0.6),
  token(8, 12, 1, 'B-LOC', 0.7),
  token(13, 16, 2, 'O'),
  token(17, 19, 3, 'B-PER'),
]

const people = (aggregation: Parameters<typeof aggregate>[2], tokens = sentence) =>
  aggregate(tokens, labels, aggregation).filter(({ label }) => label !== 'O')

describe('entities', () => {
  test("'none' gives each token its label as it is", () => {
    expect(people('none').map(({ label, start, end }) => [label, start, end])).toEqual([
      ['B-PER', 0, 3],
      ['I-PER', 4, 8],
      ['B-LOC', 8, 12],
      ['B-PER', 17, 19],
    ])
  })

  test("'simple' joins neighbouring tokens of a type, even where that cuts a word", () => {
    expect(people('simple')).toMatchObject([
      { label: 'PER', start: 0, end: 8, score: expect.closeTo(0.7) as number },
      { label: 'LOC', start: 8, end: 12, score: expect.closeTo(0.7) as number },
      { label: 'PER', start: 17, end: 19 },
    ])
  })

  test("'first' gives a word the label of its first token", () => {
    expect(people('first')).toMatchObject([
      { label: 'PER', start: 0, end: 12, words: [0, 1], score: expect.closeTo(0.7) as number },
      { label: 'PER', start: 17, end: 19, words: [3, 3] },
    ])
  })

  test("'max' gives it that of its surest token", () => {
    expect(people('max')).toMatchObject([
      { label: 'PER', start: 0, end: 3 },
      { label: 'LOC', start: 4, end: 12, score: expect.closeTo(0.7) as number },
      { label: 'PER', start: 17, end: 19 },
    ])
  })

  test("'average' gives it the label of the mean scores", () => {
    // B-LOC: (0.7 + 0.1) / 2, I-PER: (0.6 + 0.075) / 2.
    expect(people('average')[1]).toMatchObject({
      label: 'LOC',
      start: 4,
      end: 12,
      score: expect.closeTo(0.4) as number,
    })
  })

  test('B- begins another entity of the same type, I- of another type too', () => {
    const tokens = [token(0, 1, 0, 'B-PER'), token(2, 3, 1, 'B-PER'), token(4, 5, 2, 'I-LOC'), token(6, 7, 3, 'I-LOC')]
    expect(people('simple', tokens).map(({ label, start, end }) => [label, start, end])).toEqual([
      ['PER', 0, 1],
      ['PER', 2, 3],
      ['LOC', 4, 7],
    ])
  })

  test('labels without a letter join with their like, those of IOBES begin and end', () => {
    const scores = (at: number) => [0, 1, 2].map((i) => (i === at ? 1 : 0))
    const tokens = [0, 0, 1, 1, 2].map((label, i) => ({ start: i, end: i + 1, word: i, scores: scores(label) }))
    expect(
      aggregate(tokens, ['drug', 'S-gene', 'E-gene'], 'simple').map(({ label, start, end }) => [label, start, end]),
    ).toEqual([
      ['drug', 0, 2],
      ['gene', 2, 3],
      ['gene', 3, 5],
    ])
  })
})
