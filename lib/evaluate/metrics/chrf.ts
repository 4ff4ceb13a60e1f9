/** chrF (Popović 2015) and chrF++ (2017), as sacrebleu 2.6.0 computes them. */
import { measure, type Metric } from './metric.js'
import type { TranslationRow } from './bleu.js'
import { scoreRow, summedMetric, type Summed } from './summed.js'
import { countNgrams, requireReferences, splitWords, type References } from './words.js'

export interface ChrfOptions {
  /** The longest n-gram of characters. @default 6 */
  readonly charOrder?: number | undefined
  /** The longest n-gram of words; 2 is chrF++. @default 0 */
  readonly wordOrder?: number | undefined
  /** How much more recall counts than precision. @default 2 */
  readonly beta?: number | undefined
  /** @default false */
  readonly lowercase?: boolean | undefined
  /** Whether spaces count as characters. @default false */
  readonly whitespace?: boolean | undefined
}

/** Contributions: for each order the n-grams of the hypothesis, those of the reference, and those in both. The value is 0 to 100. */
export function chrf(options: ChrfOptions = {}): Summed<TranslationRow, number> {
  const { beta = 2, lowercase = false } = options
  const prepare = (text: string): Ngrams[] => ngramsOf(lowercase ? text.toLowerCase() : text, options)
  return {
    name: 'chrF',
    contribution(hypothesis, references) {
      const candidate = prepare(hypothesis)
      let best: readonly number[] = []
      let bestScore = -1
      for (const reference of requireReferences(references, 'chrF')) {
        const counts = matches(candidate, prepare(reference))
        const score = fScore(counts, beta)
        if (score > bestScore) [best, bestScore] = [counts, score]
      }
      return best
    },
    score: (sum) => fScore(sum, beta),
  }
}

type Ngrams = ReadonlyMap<string, number>

function ngramsOf(text: string, { charOrder = 6, wordOrder = 0, whitespace = false }: ChrfOptions): Ngrams[] {
  const characters = Array.from(whitespace ? text : splitWords(text).join(''))
  const words = wordOrder === 0 ? [] : separatePunctuation(text)
  const upTo = (order: number): number[] => Array.from({ length: order }, (_, i) => i + 1)
  return [
    ...upTo(charOrder).map((order) => countNgrams(characters, order)),
    ...upTo(wordOrder).map((order) => countNgrams(words, order)),
  ]
}

/** One ASCII punctuation mark off the end of each word, or else off its start. */
function separatePunctuation(text: string): string[] {
  return splitWords(text).flatMap((word) => {
    const characters = Array.from(word)
    const first = characters[0] ?? ''
    const last = characters.at(-1) ?? ''
    if (characters.length > 1 && isPunctuation(last)) return [characters.slice(0, -1).join(''), last]
    if (characters.length > 1 && isPunctuation(first)) return [first, characters.slice(1).join('')]
    return [word]
  })
}

function isPunctuation(character: string): boolean {
  return /^[!-/:-@[-`{-~]$/.test(character)
}

function matches(candidate: readonly Ngrams[], reference: readonly Ngrams[]): number[] {
  return candidate.flatMap((counts, order) => {
    const others: Ngrams = reference[order] ?? new Map<string, number>()
    let shared = 0
    for (const [ngram, count] of counts) shared += Math.min(count, others.get(ngram) ?? 0)
    // An order that the reference is too short for counts on neither side.
    return [others.size === 0 ? 0 : total(counts), total(others), shared]
  })
}

function total(counts: Ngrams): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** F of the mean precision and the mean recall over the orders that both sides have. */
function fScore(counts: readonly number[], beta: number): number {
  let precision = 0
  let recall = 0
  let orders = 0
  for (let i = 0; i < counts.length; i += 3) {
    const [candidates = 0, references = 0, shared = 0] = counts.slice(i, i + 3)
    if (candidates === 0 || references === 0) continue
    precision += shared / candidates
    recall += shared / references
    orders++
  }
  if (precision + recall === 0) return 0
  const squared = beta * beta
  return (100 * (1 + squared) * (precision / orders) * (recall / orders)) / ((squared * precision + recall) / orders)
}

/** Over all rows together. */
export const chrfMetric = (options?: ChrfOptions): Metric<TranslationRow, number> => summedMetric(chrf(options))

export const corpusChrf = (
  hypotheses: ArrayLike<string>,
  references: ArrayLike<References>,
  options?: ChrfOptions,
): number => measure(chrfMetric(options), hypotheses, references)

export const sentenceChrf = (hypothesis: string, references: References, options?: ChrfOptions): number =>
  scoreRow(chrf(options), hypothesis, references)
