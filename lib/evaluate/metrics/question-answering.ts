/** Exact match and F1 of answers, as the SQuAD 1.1 and 2.0 evaluation scripts count them. */
import { measure, type Metric } from './metric.js'
import { summedMetric, type Summed } from './summed.js'
import { countNgrams, splitWords } from './words.js'

/** In percent. */
export interface AnswerScores {
  readonly exactMatch: number
  readonly f1: number
  readonly rows: number
  /** The same over the questions with an answer, and over those without; absent where there are none. */
  readonly hasAnswer?: { readonly exactMatch: number; readonly f1: number; readonly rows: number }
  readonly noAnswer?: { readonly exactMatch: number; readonly f1: number; readonly rows: number }
}

/** The empty text predicts that there is no answer; an empty list says that there is none. */
export type AnswerRow = [prediction: string, answers: readonly string[]]

/** Lower case, without ASCII punctuation and English articles, single spaces. */
export function normalizeAnswer(text: string): string {
  const bare = text.toLowerCase().replace(/[!-/:-@[-`{-~]/g, '')
  return splitWords(bare.replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')).join(' ')
}

/** 1 or 0: whether the answer is one of those given, after normalization. */
export function answerExactMatch(prediction: string, answers: readonly string[]): number {
  const normalized = normalizeAnswer(prediction)
  return goldAnswers(answers).some((answer) => normalizeAnswer(answer) === normalized) ? 1 : 0
}

/** F1 of the words, with the answer where it is highest; where either side has no words, 1 if neither has any and else 0. */
export function answerF1(prediction: string, answers: readonly string[]): number {
  return Math.max(...goldAnswers(answers).map((answer) => wordF1(prediction, answer)))
}

function wordF1(prediction: string, answer: string): number {
  const predicted = splitWords(normalizeAnswer(prediction))
  const actual = splitWords(normalizeAnswer(answer))
  if (predicted.length === 0 || actual.length === 0) return predicted.length === actual.length ? 1 : 0
  const counts = countNgrams(actual, 1)
  let shared = 0
  for (const [word, count] of countNgrams(predicted, 1)) shared += Math.min(count, counts.get(word) ?? 0)
  return (2 * shared) / (predicted.length + actual.length)
}

// As the SQuAD 2.0 script: answers that normalize to nothing are none, and where none is left the gold answer is no answer.
function goldAnswers(answers: readonly string[]): readonly string[] {
  const worded = answers.filter((answer) => normalizeAnswer(answer) !== '')
  return worded.length === 0 ? [''] : worded
}

/** Contributions: rows, exact matches and F1, of the questions with an answer and then of those without. */
export function answers(): Summed<AnswerRow, AnswerScores> {
  return {
    name: 'answer scores',
    contribution(prediction, gold) {
      const row = [1, answerExactMatch(prediction, gold), answerF1(prediction, gold)]
      return goldAnswers(gold)[0] === '' ? [0, 0, 0, ...row] : [...row, 0, 0, 0]
    },
    score([answered = 0, answeredMatches = 0, answeredF1 = 0, rest = 0, restMatches = 0, restF1 = 0]) {
      const part = (rows: number, matches: number, f1: number) => ({
        exactMatch: (100 * matches) / rows,
        f1: (100 * f1) / rows,
        rows,
      })
      return {
        ...part(answered + rest, answeredMatches + restMatches, answeredF1 + restF1),
        ...(answered > 0 && { hasAnswer: part(answered, answeredMatches, answeredF1) }),
        ...(rest > 0 && { noAnswer: part(rest, restMatches, restF1) }),
      }
    },
  }
}

export const answerMetric = (): Metric<AnswerRow, AnswerScores> => summedMetric(answers())

export const answerScores = (predictions: ArrayLike<string>, gold: ArrayLike<readonly string[]>): AnswerScores =>
  measure(answerMetric(), predictions, gold)
