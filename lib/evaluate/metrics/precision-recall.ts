/** Precision, recall and F of counts, and their averages over classes: what classes, label sets and entities share. */
import { AttuneError } from '../../errors.js'
import {
  fromConfusionMatrix,
  margins,
  type ClassLabel,
  type ClassOptions,
  type ClassRow,
  type ConfusionMatrix,
} from './confusion-matrix.js'
import { measure, meanOfDefined, type Metric } from './metric.js'

/** Of one class, label or entity type. */
export interface PositiveCounts {
  readonly truePositives: number
  /** How often it was predicted. */
  readonly predicted: number
  /** How often it was there. */
  readonly actual: number
}

export interface PrecisionRecall {
  readonly precision: number
  readonly recall: number
  /** F-beta: F1 unless the options say another beta. */
  readonly fScore: number
}

export interface ClassScores extends PrecisionRecall {
  readonly label: ClassLabel
  /** Rows that have the class. */
  readonly support: number
}

export interface ScoreOptions {
  /** How much more recall counts than precision. @default 1 */
  readonly beta?: number | undefined
  /** What 0/0 is: 0, 1, or NaN to leave such classes out of averages. @default 0 */
  readonly zeroDivision?: number | undefined
}

export type Average = 'micro' | 'macro' | 'weighted'

/** As scikit-learn: F is 0/0 only where nothing was predicted and nothing was there. */
export function scoresOf(
  { truePositives, predicted, actual }: PositiveCounts,
  options: ScoreOptions = {},
): PrecisionRecall {
  const { beta = 1, zeroDivision = 0 } = options
  if (!(beta >= 0)) {
    throw new AttuneError('invalid-option', `options.beta: expected a number from 0 on, received ${beta}`, {
      where: 'options.beta',
    })
  }
  const ratio = (part: number, whole: number): number => (whole === 0 ? zeroDivision : part / whole)
  const precision = ratio(truePositives, predicted)
  const recall = ratio(truePositives, actual)
  if (beta === Infinity) return { precision, recall, fScore: recall }
  const squared = beta * beta
  return { precision, recall, fScore: ratio((1 + squared) * truePositives, squared * actual + predicted) }
}

/** Micro: of all counts together. Macro: the classes' mean. Weighted: their mean by support. Of no class: 0/0. */
export function averageScores(
  counts: readonly PositiveCounts[],
  average: Average,
  options: ScoreOptions = {},
): PrecisionRecall {
  if (average === 'micro' || counts.length === 0) return scoresOf(total(counts), options)
  const scores = counts.map((one) => scoresOf(one, options))
  const weights = average === 'weighted' ? counts.map(({ actual }) => actual) : undefined
  return meanScores(scores, weights)
}

export function meanScores(scores: readonly PrecisionRecall[], weights?: readonly number[]): PrecisionRecall {
  const mean = (key: keyof PrecisionRecall): number =>
    meanOfDefined(
      scores.map((one) => one[key]),
      weights,
    )
  return { precision: mean('precision'), recall: mean('recall'), fScore: mean('fScore') }
}

function total(counts: readonly PositiveCounts[]): PositiveCounts {
  return counts.reduce(
    (sum, { truePositives, predicted, actual }) => ({
      truePositives: sum.truePositives + truePositives,
      predicted: sum.predicted + predicted,
      actual: sum.actual + actual,
    }),
    { truePositives: 0, predicted: 0, actual: 0 },
  )
}

export interface PrecisionRecallOptions extends ScoreOptions {
  /** `binary`: of the class `positive` alone. @default 'macro' */
  readonly average?: Average | 'binary' | undefined
  /** The class that counts as positive where `average` is `binary`. @default 1 */
  readonly positive?: ClassLabel | undefined
}

/** By class, in the order of the matrix. */
export function positiveCountsOf(matrix: ConfusionMatrix): PositiveCounts[] {
  const { correct, actual, predicted } = margins(matrix)
  return correct.map((truePositives, i) => ({ truePositives, predicted: predicted[i] ?? 0, actual: actual[i] ?? 0 }))
}

/** @throws AttuneError 'invalid-option' where `average` is `binary` and there are more than two classes, or `positive` is none of them */
export function precisionRecallOf(matrix: ConfusionMatrix, options: PrecisionRecallOptions = {}): PrecisionRecall {
  const { average = 'macro', positive = 1 } = options
  const counts = positiveCountsOf(matrix)
  if (average !== 'binary') return averageScores(counts, average, options)
  const { classes } = matrix
  if (classes.length > 2) {
    const message = `options.average: 'binary' is for two classes, and there are ${classes.length}. Try 'macro', 'micro' or 'weighted'`
    throw new AttuneError('invalid-option', message, { where: 'options.average' })
  }
  const index = classes.indexOf(positive)
  if (index < 0 && classes.length === 2) {
    const message = `options.positive: ${JSON.stringify(positive)} is none of the classes ${classes.join(', ')}`
    throw new AttuneError('invalid-option', message, { where: 'options.positive' })
  }
  return scoresOf(counts[index] ?? { truePositives: 0, predicted: 0, actual: 0 }, options)
}

/** Each class by itself, in the order of the matrix. */
export function classScoresOf(matrix: ConfusionMatrix, options?: ScoreOptions): ClassScores[] {
  return positiveCountsOf(matrix).map((counts, i) => ({
    label: matrix.classes[i] ?? i,
    ...scoresOf(counts, options),
    support: counts.actual,
  }))
}

export const precisionRecallMetric = (
  options: PrecisionRecallOptions & ClassOptions = {},
): Metric<ClassRow, PrecisionRecall> => fromConfusionMatrix((matrix) => precisionRecallOf(matrix, options), options)

export const classScoresMetric = (options: ScoreOptions & ClassOptions = {}): Metric<ClassRow, ClassScores[]> =>
  fromConfusionMatrix((matrix) => classScoresOf(matrix, options), options)

type Labels = ArrayLike<ClassLabel>

export const precisionRecall = (
  labels: Labels,
  predictions: Labels,
  options?: PrecisionRecallOptions & ClassOptions,
): PrecisionRecall => measure(precisionRecallMetric(options), labels, predictions)

export const classScores = (
  labels: Labels,
  predictions: Labels,
  options?: ScoreOptions & ClassOptions,
): ClassScores[] => measure(classScoresMetric(options), labels, predictions)

/** F1 alone. @default average 'macro' */
export const f1 = (labels: Labels, predictions: Labels, options?: PrecisionRecallOptions & ClassOptions): number =>
  precisionRecall(labels, predictions, options).fScore
