/** The likeliest answers to a question among the spans of its context, as transformers' question answering examples choose them. */
import { softmax } from './probabilities.js'

/** The logits of a question with a piece of its context. */
export interface AnswerWindow {
  /** Start and end of each token, side by side. */
  readonly logits: ArrayLike<number>
  /** [start, end) of each token in the context; null for tokens that are not of the context. */
  readonly offsets: readonly (readonly [number, number] | null)[]
  /** The token that stands for no answer. */
  readonly noAnswerAt: number
}

export interface AnswerSpanOptions {
  /** Tokens of an answer at most. @default 30 */
  readonly maxAnswerLength?: number | undefined
  /** Likeliest spans that probabilities are shared out among. @default 20 */
  readonly candidates?: number | undefined
}

export interface AnswerSpan {
  /** [start, end) in the context, as the offsets count. */
  readonly start: number
  readonly end: number
  /** Start and end logit together. */
  readonly logit: number
  /** Among the candidates and no answer. */
  readonly score: number
}

export interface AnswerSpans {
  /** The likeliest first, none twice; empty where no token is of the context. */
  readonly spans: readonly AnswerSpan[]
  /** Logits of no answer: of the window that is least sure of it. */
  readonly noAnswerLogit: number
  readonly noAnswerScore: number
}

/** Over all windows of one context. */
export function answerSpans(windows: readonly AnswerWindow[], options: AnswerSpanOptions = {}): AnswerSpans {
  const { maxAnswerLength = 30, candidates = 20 } = options
  const best = new Map<string, { start: number; end: number; logit: number }>()
  let noAnswerLogit = Infinity
  for (const { logits, offsets, noAnswerAt } of windows) {
    const start = (at: number): number => logits[2 * at] ?? -Infinity
    const end = (at: number): number => logits[2 * at + 1] ?? -Infinity
    noAnswerLogit = Math.min(noAnswerLogit, start(noAnswerAt) + end(noAnswerAt))
    const inContext = offsets.flatMap((offset, at) => (offset === null || offset[1] <= offset[0] ? [] : [at]))
    const lasts = highest(inContext, end, candidates)
    for (const first of highest(inContext, start, candidates)) {
      for (const last of lasts) {
        if (last < first || last - first >= maxAnswerLength) continue
        const [from, to] = [offsets[first]?.[0] ?? 0, offsets[last]?.[1] ?? 0]
        const logit = start(first) + end(last)
        const key = `${from} ${to}`
        // Windows overlap: the same words may stand in two.
        if (logit > (best.get(key)?.logit ?? -Infinity)) best.set(key, { start: from, end: to, logit })
      }
    }
  }
  const chosen = [...best.values()].sort((a, b) => b.logit - a.logit || a.start - b.start).slice(0, candidates)
  const scores = softmax([noAnswerLogit, ...chosen.map(({ logit }) => logit)])
  const spans = chosen.map((span, i) => ({ ...span, score: scores[i + 1] ?? NaN }))
  return { spans, noAnswerLogit, noAnswerScore: scores[0] ?? NaN }
}

function highest(tokens: readonly number[], logit: (at: number) => number, count: number): number[] {
  return [...tokens].sort((a, b) => logit(b) - logit(a) || a - b).slice(0, count)
}
