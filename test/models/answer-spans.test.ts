import { expect, test } from 'vitest'
import { answerSpans, type AnswerWindow } from '../../lib/models/answer-spans.js'

/** [CLS] q [SEP] and four words of the context, of three letters and a blank each, from `word` on. */
function contextWindow(word: number, starts: readonly number[], ends: readonly number[]): AnswerWindow {
  return {
    logits: starts.flatMap((start, i) => [start, ends[i] ?? 0]),
    offsets: [null, null, null, ...[0, 1, 2, 3].map((i) => [4 * (word + i), 4 * (word + i) + 3] as const)],
    noAnswerAt: 0,
  }
}

const first = contextWindow(0, [1, 9, 9, 0, 4, 1, 0], [2, 9, 9, 0, 1, 3, 0])

test('the likeliest span of the context comes first; tokens of the question are none', () => {
  const { spans, noAnswerLogit } = answerSpans([first])
  expect(spans.slice(0, 3)).toMatchObject([
    { start: 4, end: 11, logit: 7 },
    { start: 4, end: 7, logit: 5 },
    { start: 4, end: 15, logit: 4 },
  ])
  expect(noAnswerLogit).toBe(3)
})

test('scores are shares among the candidates and no answer', () => {
  const { spans, noAnswerScore } = answerSpans([first], { candidates: 2 })
  const total = Math.exp(7) + Math.exp(5) + Math.exp(3)
  expect(spans.map(({ score }) => score)).toEqual([Math.exp(7) / total, Math.exp(5) / total].map(near))
  expect(noAnswerScore).toBeCloseTo(Math.exp(3) / total, 12)
})

test('an answer has no more tokens than are allowed, and never ends before it starts', () => {
  const { spans } = answerSpans([first], { maxAnswerLength: 1 })
  expect(spans.map(({ start, end }) => end - start)).toEqual([3, 3, 3, 3])
  expect(answerSpans([first]).spans).toHaveLength(10)
})

test('of overlapping windows the surer one counts, and no answer is as sure as the window least sure of it', () => {
  const second = contextWindow(2, [-2, 0, 0, 9, 0, 0, 0], [-3, 0, 0, 9, 0, 0, 0])
  const { spans, noAnswerLogit } = answerSpans([first, second])
  expect(spans[0]).toMatchObject({ start: 8, end: 11, logit: 18 })
  expect(spans.filter(({ start, end }) => start === 8 && end === 11)).toHaveLength(1)
  expect(noAnswerLogit).toBe(-5)
})

test('a context without tokens has no answer', () => {
  const empty = { logits: [1, 2, 3, 4], offsets: [null, null], noAnswerAt: 0 }
  expect(answerSpans([empty])).toEqual({ spans: [], noAnswerLogit: 3, noAnswerScore: 1 })
})

function near(value: number): unknown {
  return expect.closeTo(value, 12)
}
