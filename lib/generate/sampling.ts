/**
 * From logits to the next token. The processors are transformers', in the order in which `generate` applies them:
 * repetition penalty, no repeated n-grams, bad words, suppressed tokens, temperature, top-k, top-p, min-p, typical-p.
 */
import { largestIndex, softmax } from '../models/probabilities.js'
import { uniform } from './philox.js'

export interface SamplingOptions {
  /** 0 takes the best token always. */
  readonly temperature?: number | undefined
  /** Keeps the k best tokens; 0 keeps all. */
  readonly topK?: number | undefined
  /** Keeps the fewest best tokens whose probabilities add up to this. */
  readonly topP?: number | undefined
  /** Keeps tokens at least this likely, as a share of the best one's probability. */
  readonly minP?: number | undefined
  /** Keeps the tokens nearest to the expected information, up to this much probability. */
  readonly typicalP?: number | undefined
  /** Above 1 makes tokens that stand in the text already less likely. */
  readonly repetitionPenalty?: number | undefined
  /** No n-gram of this length appears twice; 0 allows all. */
  readonly noRepeatNgramSize?: number | undefined
  /** Sequences of tokens that never come. */
  readonly badWordsIds?: readonly (readonly number[])[] | undefined
  /** Tokens that cannot come now. */
  readonly suppressedTokenIds?: Iterable<number> | undefined
}

/** Whether the scores are the logits at temperature 0: nothing is penalized or banned. */
export function keepsLogits({
  repetitionPenalty = 1,
  noRepeatNgramSize = 0,
  badWordsIds = [],
  suppressedTokenIds,
}: SamplingOptions): boolean {
  return (
    repetitionPenalty === 1 && noRepeatNgramSize === 0 && badWordsIds.length === 0 && suppressedTokenIds === undefined
  )
}

/** Whether nothing but temperature, top-k, top-p and min-p stands between the logits and the token drawn. */
export function drawsFromLogits(options: SamplingOptions): boolean {
  return keepsLogits(options) && (options.typicalP ?? 1) === 1
}

/** The scores of the next token: logits less what the options take away (−Infinity: cannot come). `history`: prompt and what came after. */
export function processLogits(
  logits: ArrayLike<number>,
  history: readonly number[],
  options: SamplingOptions,
): Float64Array {
  const scores = new Float64Array(logits)
  penalizeRepetition(scores, history, options.repetitionPenalty ?? 1)
  banRepeatedNgrams(scores, history, options.noRepeatNgramSize ?? 0)
  for (const word of options.badWordsIds ?? []) banWord(scores, history, word)
  for (const token of options.suppressedTokenIds ?? []) if (token < scores.length) scores[token] = -Infinity
  const temperature = options.temperature ?? 1
  if (temperature === 0) return scores
  if (temperature !== 1) for (let i = 0; i < scores.length; i++) scores[i] = at(scores, i) / temperature
  keepTopK(scores, options.topK ?? 0)
  keepTopP(scores, options.topP ?? 1)
  keepMinP(scores, options.minP ?? 0)
  keepTypical(scores, options.typicalP ?? 1)
  return scores
}

export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const scores = new Float64Array(logits)
  const maximum = at(scores, largestIndex(scores))
  let sum = 0
  for (const score of scores) sum += Math.exp(score - maximum)
  const logSum = maximum + Math.log(sum)
  for (let i = 0; i < scores.length; i++) scores[i] = at(scores, i) - logSum
  return scores
}

/** The token at which the sum of probabilities, in the order of ids, passes the number drawn. */
export function draw(probabilities: Float64Array, seed: number, position: number, stream = 0): number {
  const target = uniform(seed, position, stream)
  let sum = 0
  let last = 0
  for (let i = 0; i < probabilities.length; i++) {
    const probability = at(probabilities, i)
    if (probability === 0) continue
    sum += probability
    last = i
    if (target < sum) return i
  }
  // Rounding left the sum a little below 1.
  return last
}

function penalizeRepetition(scores: Float64Array, history: readonly number[], penalty: number): void {
  if (penalty === 1) return
  for (const token of new Set(history)) {
    const score = at(scores, token)
    scores[token] = score < 0 ? score * penalty : score / penalty
  }
}

function banRepeatedNgrams(scores: Float64Array, history: readonly number[], size: number): void {
  if (size === 0 || history.length + 1 < size) return
  const start = history.length - size + 1
  for (let i = 0; i + size <= history.length; i++) {
    let matches = true
    for (let j = 0; matches && j < size - 1; j++) matches = history[i + j] === history[start + j]
    const banned = history[i + size - 1]
    if (matches && banned !== undefined) scores[banned] = -Infinity
  }
}

/** Bans the last token of a word whose other tokens have just come. */
function banWord(scores: Float64Array, history: readonly number[], word: readonly number[]): void {
  const last = word.at(-1)
  const start = history.length - (word.length - 1)
  if (last === undefined || last >= scores.length || start < 0) return
  if (word.slice(0, -1).every((token, i) => history[start + i] === token)) scores[last] = -Infinity
}

function keepTopK(scores: Float64Array, k: number): void {
  if (k === 0 || k >= scores.length) return
  dropBelow(scores, largest(scores, k))
}

/** The k-th largest of the values, k at most their number: the least of the k largest so far, on top of a heap of them. */
function largest(values: Float64Array, k: number): number {
  const heap = values.slice(0, k).sort()
  for (let i = k; i < values.length; i++) {
    const value = at(values, i)
    if (value > at(heap, 0)) replaceLeast(heap, value)
  }
  return at(heap, 0)
}

function replaceLeast(heap: Float64Array, value: number): void {
  let place = 0
  for (;;) {
    let child = 2 * place + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && at(heap, child + 1) < at(heap, child)) child++
    if (value <= at(heap, child)) break
    heap[place] = at(heap, child)
    place = child
  }
  heap[place] = value
}

function keepTopP(scores: Float64Array, p: number): void {
  if (p >= 1) return
  const probabilities = softmax(scores)
  // Tokens so unlikely that all of them together stay below 1 - p go first, in one pass: few are left to be sorted.
  const unlikely = (1 - p) / (2 * scores.length)
  let sum = 0
  let count = 0
  const likely = new Uint32Array(scores.length)
  for (let token = 0; token < scores.length; token++) {
    const probability = at(probabilities, token)
    if (probability >= unlikely) likely[count++] = token
    else {
      sum += probability
      scores[token] = -Infinity
    }
  }
  const ascending = likely.subarray(0, count).sort((a, b) => at(scores, a) - at(scores, b) || b - a)
  // The best token stays whatever p is; of equals, the first.
  for (const token of ascending.subarray(0, -1)) {
    sum += at(probabilities, token)
    if (sum > 1 - p) return
    scores[token] = -Infinity
  }
}

function keepMinP(scores: Float64Array, p: number): void {
  if (p === 0) return
  // probability ≥ p · best probability, in logarithms.
  dropBelow(scores, at(scores, largestIndex(scores)) + Math.log(p))
}

function keepTypical(scores: Float64Array, mass: number): void {
  if (mass >= 1) return
  const probabilities = softmax(scores)
  const surprise = probabilities.map((p) => -Math.log(p))
  let entropy = 0
  probabilities.forEach((p, i) => (entropy += p === 0 ? 0 : p * at(surprise, i)))
  const distance = surprise.map((s) => Math.abs(s - entropy))
  const nearestFirst = order(scores.length, (a, b) => at(distance, a) - at(distance, b))
  let sum = 0
  let limit = Infinity
  for (const token of nearestFirst) {
    sum += at(probabilities, token)
    if (sum >= mass) {
      limit = at(distance, token)
      break
    }
  }
  for (let i = 0; i < scores.length; i++) if (!(at(distance, i) <= limit)) scores[i] = -Infinity
}

function dropBelow(scores: Float64Array, threshold: number): void {
  for (let i = 0; i < scores.length; i++) if (at(scores, i) < threshold) scores[i] = -Infinity
}

function order(length: number, compare: (a: number, b: number) => number): Uint32Array {
  // NaN compares of two −Infinity fall back to the id, so that the order is always the same.
  return Uint32Array.from({ length }, (_, i) => i).sort((a, b) => compare(a, b) || a - b)
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number
}
