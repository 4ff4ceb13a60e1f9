/** Single numbers over a confusion matrix, defined as scikit-learn's functions of the same names. */
import {
  fromConfusionMatrix,
  margins,
  type ClassLabel,
  type ClassOptions,
  type ClassRow,
  type ConfusionMatrix,
} from './confusion-matrix.js'
import { measure, meanOfDefined, type Metric } from './metric.js'

/** Share of the rows whose prediction is their label. */
export function accuracyOf(matrix: ConfusionMatrix): number {
  const { correct, rows } = margins(matrix)
  return sum(correct) / rows
}

/** Mean recall of the classes that some row has. */
export function balancedAccuracyOf(matrix: ConfusionMatrix): number {
  const { correct, actual } = margins(matrix)
  return meanOfDefined(correct.map((count, i) => count / (actual[i] ?? 0)))
}

/** Matthews' correlation coefficient of labels and predictions, for any number of classes; 0 where one side is constant. */
export function matthewsCorrelationOf(matrix: ConfusionMatrix): number {
  const { correct, actual, predicted, rows } = margins(matrix)
  const covariance = sum(correct) * rows - dot(actual, predicted)
  const spread = (rows * rows - dot(predicted, predicted)) * (rows * rows - dot(actual, actual))
  return spread === 0 ? 0 : covariance / Math.sqrt(spread)
}

/** Agreement beyond what the two margins alone would give; NaN where both sides are one and the same class. */
export function cohenKappaOf(matrix: ConfusionMatrix): number {
  const { correct, actual, predicted, rows } = margins(matrix)
  const byChance = dot(actual, predicted) / rows
  return byChance === rows ? NaN : 1 - (rows - sum(correct)) / (rows - byChance)
}

export const accuracyMetric = (options?: ClassOptions): Metric<ClassRow, number> =>
  fromConfusionMatrix(accuracyOf, options)
export const balancedAccuracyMetric = (options?: ClassOptions): Metric<ClassRow, number> =>
  fromConfusionMatrix(balancedAccuracyOf, options)
export const matthewsCorrelationMetric = (options?: ClassOptions): Metric<ClassRow, number> =>
  fromConfusionMatrix(matthewsCorrelationOf, options)
export const cohenKappaMetric = (options?: ClassOptions): Metric<ClassRow, number> =>
  fromConfusionMatrix(cohenKappaOf, options)

type Labels = ArrayLike<ClassLabel>

export const accuracy = (labels: Labels, predictions: Labels): number => measure(accuracyMetric(), labels, predictions)
export const balancedAccuracy = (labels: Labels, predictions: Labels): number =>
  measure(balancedAccuracyMetric(), labels, predictions)
export const matthewsCorrelation = (labels: Labels, predictions: Labels): number =>
  measure(matthewsCorrelationMetric(), labels, predictions)
export const cohenKappa = (labels: Labels, predictions: Labels): number =>
  measure(cohenKappaMetric(), labels, predictions)

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0)
}
