/** What is counted by class, of labels and tags alike. */
import { confusionMatrixMetric, type ClassRow, type ConfusionMatrix } from '../metrics/confusion-matrix.js'
import { derived, type Metric } from '../metrics/metric.js'
import { classScoresOf, type ClassScores } from '../metrics/precision-recall.js'

export interface ClassReport {
  readonly label: string
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** Rows, or tokens, that have it. */
  readonly support: number
}

export interface ClassDetails {
  /** `counts[i][j]`: rows, or tokens, of class i predicted as class j. */
  readonly confusionMatrix: ConfusionMatrix<string>
  readonly perClass: readonly ClassReport[]
}

/** Rows are indices of the labels. */
export function classDetailsMetric(
  labels: readonly string[],
  { zeroDivision }: { readonly zeroDivision: number },
): Metric<ClassRow, ClassDetails> {
  return derived(confusionMatrixMetric({ classes: labels.map((_, c) => c) }), (counted) => ({
    confusionMatrix: { classes: labels, counts: counted.counts },
    perClass: classScoresOf(counted, { zeroDivision }).map((scores, c) => classReport(labels[c] ?? '', scores)),
  }))
}

export function classReport(
  label: string,
  { precision, recall, fScore, support }: Omit<ClassScores, 'label'>,
): ClassReport {
  return { label, precision, recall, f1: fScore, support }
}
