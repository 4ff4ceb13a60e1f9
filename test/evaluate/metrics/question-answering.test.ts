import { describe, expect, it } from 'vitest'
import {
  answerExactMatch,
  answerF1,
  answerMetric,
  answerScores,
  normalizeAnswer,
} from '../../../lib/evaluate/metrics/question-answering.js'
import { refusal } from '../../refusal.js'
import { expectClose } from './close.js'

describe('answers', () => {
  it('are normalized as by the SQuAD script', () => {
    expect(normalizeAnswer('  The  Eiffel-Tower, an "icon"! ')).toBe('eiffeltower icon')
    // An article is a word of its own; letters beyond ASCII belong to words.
    expect(normalizeAnswer('Theatre a été the_end äthe')).toBe('theatre été theend äthe')
  })

  it('match the best of several gold answers', () => {
    expect(answerExactMatch('the Eiffel Tower', ['Paris', 'Eiffel tower.'])).toBe(1)
    expect(answerExactMatch('Eiffel', ['Paris', 'Eiffel tower'])).toBe(0)
    // 1 word of 1 shared against 1 of 2.
    expectClose(answerF1('Eiffel', ['Paris', 'Eiffel tower']), 2 / 3, 1e-15)
    // A word counts as often as both have it.
    expectClose(answerF1('no no no', ['no no yes']), 2 / 3, 1e-15)
  })

  it('may be that there is none', () => {
    expect(answerExactMatch('', [])).toBe(1)
    expect(answerF1('', [])).toBe(1)
    expect(answerF1('something', [])).toBe(0)
    expect(answerF1('', ['something'])).toBe(0)
    // Answers that are nothing but articles and punctuation are none.
    expect(answerExactMatch('', ['the', '...'])).toBe(1)
  })

  it('are counted in percent, with and without an answer', () => {
    const scores = answerScores(['Paris', 'in Paris', '', 'Rome'], [['Paris'], ['Paris'], [], []])
    expectClose(
      scores,
      {
        exactMatch: 50,
        f1: (100 * (1 + 2 / 3 + 1)) / 4,
        rows: 4,
        hasAnswer: { exactMatch: 50, f1: (100 * (1 + 2 / 3)) / 2, rows: 2 },
        noAnswer: { exactMatch: 50, f1: 50, rows: 2 },
      },
      1e-12,
    )
    expect(answerScores(['Paris'], [['Paris']])).not.toHaveProperty('noAnswer')
    expect(refusal(() => answerMetric().value())).toMatchObject({ code: 'empty-dataset' })
  })
})
