import { z } from 'zod'
import { utf16Indexer } from '../data/code-points.js'
import { questionWindows } from '../data/question-windows.js'
import { usualWindow } from '../data/windows.js'
import { AttuneError } from '../errors.js'
import { answerSpans } from '../models/answer-spans.js'
import type { Model } from '../models/model.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import { runOptions, windowOptions, windowStride, type RunOptions, type WindowOptions } from './predict-options.js'
import type { Source } from './predict-rows.js'
import { emptyText, encodeEach, longest } from './prepare-texts.js'
import { withoutBlanks } from './text-span.js'
import { predictList, predictStream, type VerbOf } from './verb.js'

export const answerOptions = {
  nBest: { type: z.int().min(1), description: 'Answers to give, the likeliest first', default: 1 },
  maxAnswerLength: { type: z.int().min(1), description: 'Tokens of an answer at most', default: 30 },
  allowNoAnswer: {
    type: z.boolean(),
    description: 'Whether no answer may be the answer, of a model that was trained on questions without one',
    default: false,
  },
  noAnswerThreshold: {
    type: z.number(),
    description: 'No answer wins where its logits are so much above those of the best answer; with allowNoAnswer',
    default: 0,
  },
  ...windowOptions,
  ...runOptions,
} satisfies OptionTable

/** See `answerOptions` for each option's meaning and default. */
export interface AnswerOptions extends WindowOptions, RunOptions {
  /** Answers to give, the likeliest first. @default 1 */
  readonly nBest?: number | undefined
  /** Tokens of an answer at most. @default 30 */
  readonly maxAnswerLength?: number | undefined
  /** Whether no answer may be the answer. @default false */
  readonly allowNoAnswer?: boolean | undefined
  /** No answer wins where its logits are so much above those of the best answer. @default 0 */
  readonly noAnswerThreshold?: number | undefined
}

export interface Question {
  readonly question: string
  readonly context: string
}

export interface Answer {
  readonly text: string
  /** Where it stands in the context: `context.slice(start, end)`. */
  readonly start: number
  readonly end: number
  /** Probability among the 20 likeliest spans and no answer. */
  readonly score: number
}

export interface AnsweredQuestion {
  /** The best; undefined where no answer won, or the context has no words. */
  readonly answer: Answer | undefined
  /** The `nBest` likeliest spans, whether or not no answer won. */
  readonly answers: readonly Answer[]
  /** Probability that the context does not answer; says something of models that were trained on such questions. */
  readonly noAnswerScore: number
}

// Among how many spans probabilities are shared out, as in the question answering examples of transformers.
const candidates = 20

export const answerVerb: VerbOf<Question, AnsweredQuestion, Settled<typeof answerOptions>> = {
  name: 'answer',
  task: 'question-answering',
  make(context, options) {
    const maxLength = longest(context, options.maxLength ?? usualWindow)
    const stride = windowStride(options.stride, maxLength)
    const { maxAnswerLength, nBest, allowNoAnswer, noAnswerThreshold } = options
    const result = (text: string, spans: ReturnType<typeof answerSpans>): AnsweredQuestion => {
      const unitOf = utf16Indexer(text)
      const found = spans.spans.slice(0, nBest).map(({ start, end, score }) => {
        const [from, to] = withoutBlanks(text, unitOf(start), unitOf(end))
        return { text: text.slice(from, to), start: from, end: to, score }
      })
      const [best] = spans.spans
      const none = allowNoAnswer && spans.noAnswerLogit - (best?.logit ?? -Infinity) > noAnswerThreshold
      return { answer: none ? undefined : found[0], answers: found, noAnswerScore: spans.noAnswerScore }
    }
    return {
      async prepare(questions, nameOf) {
        const problems = questions.map((question, index) => problemOf(question, nameOf(index)))
        const good = problems.flatMap((problem, index) => (problem === undefined ? [index] : []))
        const pairs = good.map((index) => [questions[index]?.question ?? '', questions[index]?.context ?? ''] as const)
        const encoded = (await encodeEach(context, pairs, (at) => nameOf(good[at] ?? at))).values()
        return questions.map(({ context: text }, index) => {
          const pair = problems[index] ?? encoded.next().value
          if (pair === undefined || pair instanceof AttuneError) return pair ?? emptyText(nameOf(index))
          const windows = questionWindows(pair, context.tokenizer, { maxLength, stride })
          if (windows === undefined) return noRoom(nameOf(index), maxLength, stride)
          return {
            pieces: windows,
            result: (logits) => {
              const scored = windows.map(({ offsets, noAnswerAt }, w) => ({
                logits: logits[w] ?? [],
                offsets,
                noAnswerAt,
              }))
              return result(text, answerSpans(scored, { maxAnswerLength, candidates: Math.max(candidates, nBest) }))
            },
          }
        })
      },
    }
  },
}

/**
 * The likeliest answers to each question among the spans of its context, in the order given. Long contexts are read in
 * overlapping windows.
 * @throws AttuneError 'unsupported-task' (of another model), 'invalid-input' (an empty question or context),
 * 'sequence-too-long' (a question that leaves no room for the context), naming the question; 'invalid-option', 'aborted'
 */
export async function answer(model: Model, question: Question, options?: AnswerOptions): Promise<AnsweredQuestion>
export async function answer(
  model: Model,
  questions: readonly Question[],
  options?: AnswerOptions,
): Promise<AnsweredQuestion[]>
export async function answer(
  model: Model,
  questions: Question | readonly Question[],
  options: AnswerOptions = {},
): Promise<AnsweredQuestion | AnsweredQuestion[]> {
  const settled = settleOptions(answerOptions, options)
  if ('question' in questions) {
    const [only] = await predictList(answerVerb, model, [questions], settled)
    if (only === undefined) throw new AttuneError('internal', 'one question has no result')
    return only
  }
  return predictList(answerVerb, model, questions, settled)
}

/** `answer` over a stream, of which only a window is held at a time. */
export function answerStream(
  model: Model,
  questions: Source<Question>,
  options: AnswerOptions = {},
): AsyncGenerator<AnsweredQuestion, void, void> {
  return predictStream(answerVerb, model, questions, settleOptions(answerOptions, options))
}

function problemOf(value: unknown, where: string): AttuneError | undefined {
  const { question, context } = (value ?? {}) as Partial<Record<'question' | 'context', unknown>>
  if (typeof question !== 'string' || typeof context !== 'string') {
    return new AttuneError('invalid-input', `${where}: expected { question, context }, both texts`, { where })
  }
  if (question.trim() === '') return emptyText(where, 'the question')
  return context.trim() === '' ? emptyText(where, 'the context') : undefined
}

function noRoom(where: string, maxLength: number, stride: number): AttuneError {
  const message = `${where}: the question leaves no room for the context in windows of ${maxLength} tokens that share ${stride}; shorten it, or lower options.stride`
  return new AttuneError('sequence-too-long', message, { where })
}
