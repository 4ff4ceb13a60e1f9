/** ROUGE (Lin 2004), as Google's rouge-score 0.1.2 computes it. */
import { AttuneError } from '../../errors.js'
import { measure, type Metric } from './metric.js'
import { porterStem } from './porter-stemmer.js'
import type { PrecisionRecall } from './precision-recall.js'
import { scoreRow, summedMetric, type Summed } from './summed.js'
import { countNgrams, requireReferences, type References } from './words.js'

/** N-grams of that many words, the longest common subsequence, or (`rougeLsum`) that of each line against all lines. */
export type RougeType = `rouge${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 'L' | 'Lsum'}`

export interface RougeOptions {
  /** @default rouge1, rouge2, rougeL and rougeLsum */
  readonly types?: readonly RougeType[] | undefined
  /** Whether words of four letters and more are stemmed (Porter, as in NLTK). @default false */
  readonly stemmer?: boolean | undefined
}

export type RougeScores = Readonly<Partial<Record<RougeType, PrecisionRecall>>>
export type SummaryRow = [prediction: string, references: References]

const allTypes = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const

/**
 * The rows' mean; of several references, for each type, the one with the highest F. Contributions: 1, then precision, recall
 * and F of each type.
 */
export function rouge({ types = allTypes, stemmer = false }: RougeOptions = {}): Summed<SummaryRow, RougeScores> {
  const scorers = types.map((type) => {
    const order = /^rouge([1-9])$/.exec(type)?.[1]
    if (order !== undefined) return ngramScorer(Number(order))
    if (type === 'rougeL') return longestCommon
    if (type === 'rougeLsum') return summaryLevel
    const message = `options.types: there is no '${type}'. There are: rouge1 to rouge9, rougeL, rougeLsum`
    throw new AttuneError('invalid-option', message, { where: 'options.types' })
  })
  const prepare = (text: string): PreparedText => ({
    words: rougeWords(text, stemmer),
    lines: text.split('\n').flatMap((line) => (line === '' ? [] : [rougeWords(line, stemmer)])),
  })
  return {
    name: 'ROUGE',
    contribution(prediction, references) {
      const candidate = prepare(prediction)
      const targets = requireReferences(references, 'ROUGE').map(prepare)
      const scores = scorers.map((scorer) =>
        targets
          .map((target) => scorer(candidate, target))
          .reduce((best, one) => (one.fScore > best.fScore ? one : best)),
      )
      return [1, ...scores.flatMap(({ precision, recall, fScore }) => [precision, recall, fScore])]
    },
    score: ([rows = 1, ...sums]) =>
      Object.fromEntries(
        types.map((type, i) => {
          const [precision = 0, recall = 0, fScore = 0] = sums.slice(3 * i, 3 * i + 3).map((sum) => sum / rows)
          return [type, { precision, recall, fScore }]
        }),
      ),
  }
}

interface PreparedText {
  readonly words: readonly string[]
  readonly lines: readonly (readonly string[])[]
}

type Scorer = (candidate: PreparedText, reference: PreparedText) => PrecisionRecall

/** Runs of the letters a to z and digits, in lower case. */
export function rougeWords(text: string, stemmer: boolean): string[] {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return stemmer ? words.map((word) => (word.length > 3 ? porterStem(word) : word)) : words
}

function scores(shared: number, predicted: number, referenced: number): PrecisionRecall {
  const precision = shared / Math.max(predicted, 1)
  const recall = shared / Math.max(referenced, 1)
  return { precision, recall, fScore: shared === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

function ngramScorer(order: number): Scorer {
  return (candidate, reference) => {
    const counts = countNgrams(candidate.words, order)
    const others = countNgrams(reference.words, order)
    let shared = 0
    for (const [ngram, count] of counts) shared += Math.min(count, others.get(ngram) ?? 0)
    const ngramsIn = (words: readonly string[]): number => Math.max(words.length - order + 1, 0)
    return scores(shared, ngramsIn(candidate.words), ngramsIn(reference.words))
  }
}

function longestCommon(candidate: PreparedText, reference: PreparedText): PrecisionRecall {
  const shared = commonPositions(reference.words, candidate.words).length
  return scores(shared, candidate.words.length, reference.words.length)
}

/** For each line of the reference, its words that are in a longest common subsequence with some line of the candidate. */
function summaryLevel(candidate: PreparedText, reference: PreparedText): PrecisionRecall {
  const left = countNgrams(candidate.lines.flat(), 1)
  let shared = 0
  for (const line of reference.lines) {
    const positions = new Set(candidate.lines.flatMap((other) => commonPositions(line, other)))
    for (const position of positions) {
      const word = line[position] ?? ''
      const count = left.get(word) ?? 0
      // No word of the candidate counts twice. (Those of the reference cannot: each of its positions comes once.)
      if (count === 0) continue
      left.set(word, count - 1)
      shared++
    }
  }
  return scores(shared, candidate.lines.flat().length, reference.lines.flat().length)
}

/** Positions in `reference` of one longest common subsequence; which of several decides `rougeLsum`. */
function commonPositions(reference: readonly string[], candidate: readonly string[]): number[] {
  const columns = candidate.length + 1
  const lengths = new Int32Array((reference.length + 1) * columns)
  const at = (i: number, j: number): number => lengths[i * columns + j] ?? 0
  for (let i = 1; i <= reference.length; i++) {
    for (let j = 1; j < columns; j++) {
      const equal = reference[i - 1] === candidate[j - 1]
      lengths[i * columns + j] = equal ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1))
    }
  }
  const positions: number[] = []
  for (let i = reference.length, j = candidate.length; i > 0 && j > 0;) {
    if (reference[i - 1] === candidate[j - 1]) {
      positions.push(--i)
      j--
    } else if (at(i, j - 1) > at(i - 1, j)) j--
    else i--
  }
  return positions.reverse()
}

/** The mean over the rows. */
export const rougeMetric = (options?: RougeOptions): Metric<SummaryRow, RougeScores> => summedMetric(rouge(options))

export const corpusRouge = (
  predictions: ArrayLike<string>,
  references: ArrayLike<References>,
  options?: RougeOptions,
): RougeScores => measure(rougeMetric(options), predictions, references)

export const rougeScores = (prediction: string, references: References, options?: RougeOptions): RougeScores =>
  scoreRow(rouge(options), prediction, references)
