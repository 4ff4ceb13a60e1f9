/** What probabilities of classes are worth: log loss, Brier score, top-k accuracy. Sums only, nothing is kept. */
import { AttuneError } from '../../errors.js'
import { measure, requireRows, type Metric } from './metric.js'
import { requireClass } from './ranking.js'

/** The probability of class 1 (label 0 or 1), or one for each class. */
export type Probabilities = number | ArrayLike<number>
export type ProbabilityRow = [label: number, probabilities: Probabilities]

export interface LogLossOptions {
  /** Probabilities are kept this far from 0 and 1. @default 2^-52, as scikit-learn for doubles */
  readonly clip?: number | undefined
}

/** Mean −log p of the label. */
export function logLossMetric({ clip = Number.EPSILON }: LogLossOptions = {}): Metric<ProbabilityRow, number> {
  return meanMetric('log loss', (label, probabilities) => {
    const p = probabilityOf(label, probabilities)
    return -Math.log(Math.min(Math.max(p, clip), 1 - clip))
  })
}

/** Mean squared distance of the probabilities from the label: of class 1 with two classes, summed over the classes with more. */
export function brierScoreMetric(): Metric<ProbabilityRow, number> {
  return meanMetric('Brier score', (label, probabilities) => {
    if (typeof probabilities === 'number') return (1 - probabilityOf(label, probabilities)) ** 2
    requireClass(label, probabilities.length)
    let sum = 0
    for (let c = 0; c < probabilities.length; c++) sum += ((c === label ? 1 : 0) - (probabilities[c] ?? NaN)) ** 2
    return probabilities.length < 3 ? sum / 2 : sum
  })
}

/** Share of the rows whose label is among the `k` highest scores; of equal scores the later class comes first, as in scikit-learn. */
export function topKAccuracyMetric(k = 5): Metric<[label: number, scores: ArrayLike<number>], number> {
  if (!Number.isInteger(k) || k < 1) {
    throw new AttuneError('invalid-option', `k: expected a whole number from 1 on, received ${k}`, { where: 'k' })
  }
  return meanMetric(`top-${k} accuracy`, (label, scores) => {
    requireClass(label, scores.length)
    const own = scores[label] ?? NaN
    let above = 0
    for (let c = 0; c < scores.length; c++) {
      const score = scores[c] ?? NaN
      if (score > own || (score === own && c > label)) above++
    }
    return above < k ? 1 : 0
  })
}

/** Of the label, be it given for class 1 alone or for every class. */
function probabilityOf(label: number, probabilities: Probabilities): number {
  if (typeof probabilities !== 'number') {
    requireClass(label, probabilities.length)
    return probabilities[label] ?? NaN
  }
  requireClass(label, 2)
  return label === 1 ? probabilities : 1 - probabilities
}

function meanMetric<Row extends readonly unknown[]>(name: string, of: (...row: Row) => number): Metric<Row, number> {
  let sum = 0
  let rows = 0
  return {
    add(...row) {
      sum += of(...row)
      rows++
    },
    value() {
      requireRows(rows, name)
      return sum / rows
    },
  }
}

type Labels = ArrayLike<number>

export const logLoss = (labels: Labels, probabilities: ArrayLike<Probabilities>, options?: LogLossOptions): number =>
  measure(logLossMetric(options), labels, probabilities)

export const brierScore = (labels: Labels, probabilities: ArrayLike<Probabilities>): number =>
  measure(brierScoreMetric(), labels, probabilities)

export const topKAccuracy = (labels: Labels, scores: ArrayLike<ArrayLike<number>>, k?: number): number =>
  measure(topKAccuracyMetric(k), labels, scores)
