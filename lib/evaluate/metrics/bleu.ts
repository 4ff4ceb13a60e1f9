/** BLEU (Papineni et al. 2002), to the printed digit as sacrebleu 2.6.0 computes it. */
import { AttuneError } from '../../errors.js'
import { bleuTokenizers, type BleuTokenizer } from './bleu-tokenizers.js'
import { measure, type Metric } from './metric.js'
import { scoreRow, summedMetric, type Summed } from './summed.js'
import { countNgrams, requireReferences, splitWords, trimEnd, type References } from './words.js'

export type BleuSmoothing = 'exp' | 'floor' | 'add-k' | 'none'

export interface BleuOptions {
  /** @default '13a' */
  readonly tokenize?: BleuTokenizer | undefined
  /** For orders without a match. @default 'exp' */
  readonly smooth?: BleuSmoothing | undefined
  /** Of `floor` and `add-k`. @default 0.1 and 1 */
  readonly smoothValue?: number | undefined
  /** @default false */
  readonly lowercase?: boolean | undefined
  /** Leave out orders longer than the text: for single sentences. @default false; true in `sentenceBleu` */
  readonly effectiveOrder?: boolean | undefined
}

export interface BleuScore {
  /** 0 to 100. */
  readonly bleu: number
  /** Of n-grams of 1 to 4 words, in percent, smoothed. */
  readonly precisions: readonly number[]
  readonly brevityPenalty: number
  /** In words, summed over the rows; of several references the one nearest in length. */
  readonly hypothesisLength: number
  readonly referenceLength: number
}

export type TranslationRow = [hypothesis: string, references: References]

const orders = [1, 2, 3, 4] as const
const smoothDefaults = { exp: undefined, floor: 0.1, 'add-k': 1, none: undefined } as const

/** Contributions: both lengths, then matched and all n-grams of each order. */
export function bleu(options: BleuOptions = {}): Summed<TranslationRow, BleuScore> {
  const { tokenize = '13a', lowercase = false } = options
  const tokenizer = bleuTokenizers[tokenize]
  if (tokenizer === undefined) throw unknown('tokenize', tokenize, Object.keys(bleuTokenizers))
  if (!Object.hasOwn(smoothDefaults, options.smooth ?? 'exp')) {
    throw unknown('smooth', options.smooth, Object.keys(smoothDefaults))
  }
  const words = (text: string): string[] => splitWords(tokenizer(trimEnd(lowercase ? text.toLowerCase() : text)))

  return {
    name: 'BLEU',
    contribution(hypothesis, references) {
      const candidate = words(hypothesis)
      const targets = requireReferences(references, 'BLEU').map(words)
      const correct: number[] = []
      const total: number[] = []
      for (const order of orders) {
        const counts = countNgrams(candidate, order)
        const allowed = targets.map((target) => countNgrams(target, order))
        let matches = 0
        for (const [ngram, count] of counts) {
          matches += Math.min(count, Math.max(...allowed.map((other) => other.get(ngram) ?? 0)))
        }
        correct.push(matches)
        total.push(Math.max(candidate.length - order + 1, 0))
      }
      const lengths = targets.map(({ length }) => length)
      return [candidate.length, nearest(candidate.length, lengths), ...correct, ...total]
    },
    score([hypothesisLength = 0, referenceLength = 0, ...counts]) {
      const correct = counts.slice(0, orders.length)
      const total = counts.slice(orders.length)
      const brevityPenalty = penalty(hypothesisLength, referenceLength)
      const { precisions, mean } = smoothedPrecisions(correct, total, options)
      return { bleu: brevityPenalty * mean, precisions, brevityPenalty, hypothesisLength, referenceLength }
    },
  }
}

function unknown(option: string, value: unknown, known: readonly string[]): AttuneError {
  const message = `options.${option}: expected one of ${known.join(', ')}, received ${String(value)}`
  return new AttuneError('invalid-option', message, { where: `options.${option}` })
}

// Of two equally near lengths the shorter.
function nearest(length: number, lengths: readonly number[]): number {
  return lengths.reduce((best, other) => {
    const gain = Math.abs(length - best) - Math.abs(length - other)
    return gain > 0 || (gain === 0 && other < best) ? other : best
  })
}

function penalty(hypothesisLength: number, referenceLength: number): number {
  if (hypothesisLength >= referenceLength) return 1
  return hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength)
}

/** In percent, and their geometric mean. Smoothing methods as in Chen and Cherry 2014. */
function smoothedPrecisions(
  correct: readonly number[],
  total: readonly number[],
  { smooth = 'exp', smoothValue = smoothDefaults[smooth] ?? 0, effectiveOrder = false }: BleuOptions,
): { precisions: number[]; mean: number } {
  const precisions = orders.map(() => 0)
  if (correct.every((count) => count === 0)) return { precisions, mean: 0 }
  let ordersCounted: number = orders.length
  let halving = 1
  for (const [i, order] of orders.entries()) {
    const added = smooth === 'add-k' && order > 1 ? smoothValue : 0
    const matched = (correct[i] ?? 0) + added
    const all = (total[i] ?? 0) + added
    if (all === 0) break
    if (effectiveOrder) ordersCounted = order
    if (matched > 0) precisions[i] = (100 * matched) / all
    else if (smooth === 'floor') precisions[i] = (100 * smoothValue) / all
    else if (smooth === 'exp') precisions[i] = 100 / ((halving *= 2) * all)
  }
  const logs = precisions.slice(0, ordersCounted).map((precision) => Math.log(precision))
  return { precisions, mean: Math.exp(logs.reduce((sum, log) => sum + log, 0) / ordersCounted) }
}

export interface CorpusBleu extends BleuScore {
  /** What the number depends on, in sacrebleu's form. */
  readonly signature: string
}

/** Over all rows together. */
export function bleuMetric(options: BleuOptions = {}): Metric<TranslationRow, CorpusBleu> {
  const metric = summedMetric(bleu(options))
  const referenceCounts = new Set<number>()
  return {
    add(hypothesis, references) {
      metric.add(hypothesis, references)
      referenceCounts.add(typeof references === 'string' ? 1 : references.length)
    },
    value: () => ({ ...metric.value(), signature: bleuSignature(referenceCounts, options) }),
  }
}

/** The version is that of the sacrebleu whose numbers these are. */
function bleuSignature(referenceCounts: ReadonlySet<number>, options: BleuOptions): string {
  const { tokenize = '13a', smooth = 'exp', smoothValue = smoothDefaults[smooth] } = options
  const references = referenceCounts.size === 1 ? String([...referenceCounts][0]) : 'var'
  const parameter = smoothDefaults[smooth] === undefined ? '' : `[${(smoothValue ?? 0).toFixed(2)}]`
  return [
    `nrefs:${references}`,
    `case:${options.lowercase === true ? 'lc' : 'mixed'}`,
    `eff:${options.effectiveOrder === true ? 'yes' : 'no'}`,
    `tok:${tokenize}`,
    `smooth:${smooth}${parameter}`,
    'version:2.6.0',
  ].join('|')
}

export function corpusBleu(
  hypotheses: ArrayLike<string>,
  references: ArrayLike<References>,
  options?: BleuOptions,
): CorpusBleu {
  return measure(bleuMetric(options), hypotheses, references)
}

export function sentenceBleu(hypothesis: string, references: References, options: BleuOptions = {}): BleuScore {
  return scoreRow(bleu({ effectiveOrder: true, ...options }), hypothesis, references)
}
