/** For decisions per label: the score from which a label is best predicted. Scores are kept, as they must be sorted. */
import { measure, requireLength, requireRows, type Metric } from './metric.js'
import type { LabelSet } from './multi-label.js'
import { scoresOf, type PositiveCounts, type PrecisionRecall } from './precision-recall.js'
import { scoreSteps } from './ranking.js'

export interface Threshold {
  /** Predict from this score on. */
  readonly threshold: number
  /** The F1 that it gives on the same data. */
  readonly f1: number
  /** Rows that have the label. */
  readonly support: number
}

export interface Thresholds {
  /** Each label by itself; the default threshold where no row has the label. */
  readonly perLabel: readonly Threshold[]
  /** One threshold for all labels, by the F1 of all their decisions together (micro). */
  readonly global: Threshold
}

export interface ThresholdOptions {
  /** Where there is nothing to choose by. @default 0.5 */
  readonly fallback?: number | undefined
}

export type LabelScoresRow = [labels: LabelSet, scores: ArrayLike<number>]

/** The threshold with the highest F1; of equal ones the highest. It lies halfway to the next lower score. */
export function bestThreshold(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  { fallback = 0.5 }: ThresholdOptions = {},
): Threshold {
  const steps = scoreSteps(labels, scores)
  requireRows(steps.length, 'the threshold search')
  const actual = steps.reduce((sum, { positives }) => sum + positives, 0)
  if (actual === 0) return { threshold: fallback, f1: 0, support: 0 }
  let best = { threshold: fallback, f1: -1 }
  let truePositives = 0
  let predicted = 0
  steps.forEach(({ score, positives, negatives }, i) => {
    truePositives += positives
    predicted += positives + negatives
    const { fScore } = scoresOf({ truePositives, predicted, actual })
    if (fScore > best.f1) best = { threshold: halfway(score, steps[i + 1]?.score), f1: fScore }
  })
  return { ...best, support: actual }
}

// Two neighbouring doubles have no number between them: then the score itself.
function halfway(score: number, below: number | undefined): number {
  const middle = below === undefined ? score : below + (score - below) / 2
  return middle > (below ?? -Infinity) ? middle : score
}

export function thresholdMetric(options?: ThresholdOptions): Metric<LabelScoresRow, Thresholds> {
  const labels: number[][] = []
  const scores: number[][] = []
  let rows = 0
  return {
    add(row, rowScores) {
      if (rows > 0) requireLength(row.length, labels.length, 'rows of labels')
      requireLength(rowScores.length, row.length, 'labels and scores')
      for (let label = 0; label < row.length; label++) {
        ;(labels[label] ??= []).push(row[label] ?? NaN)
        ;(scores[label] ??= []).push(rowScores[label] ?? NaN)
      }
      rows++
    },
    value() {
      requireRows(rows, 'the threshold search')
      return {
        perLabel: labels.map((column, label) => bestThreshold(column, scores[label] ?? [], options)),
        global: bestThreshold(labels.flat(), scores.flat(), options),
      }
    },
  }
}

export function searchThresholds(
  labels: ArrayLike<LabelSet>,
  scores: ArrayLike<ArrayLike<number>>,
  options?: ThresholdOptions,
): Thresholds {
  return measure(thresholdMetric(options), labels, scores)
}

export interface ThresholdPoint extends PrecisionRecall {
  readonly threshold: number
}

/** Precision, recall and F1 at each of the given thresholds: counts only, so any number of rows can stream through. */
export function thresholdCurveMetric(
  thresholds: readonly number[] = Array.from({ length: 101 }, (_, i) => i / 100),
): Metric<[label: number, score: number], ThresholdPoint[]> {
  const counts = thresholds.map(() => ({ truePositives: 0, predicted: 0 }))
  let actual = 0
  let rows = 0
  return {
    add(label, score) {
      thresholds.forEach((threshold, i) => {
        const count = counts[i]
        if (count === undefined || score < threshold) return
        count.predicted++
        count.truePositives += label
      })
      actual += label
      rows++
    },
    value() {
      requireRows(rows, 'the threshold curve')
      return thresholds.map((threshold, i) => {
        const count: PositiveCounts = { truePositives: 0, predicted: 0, ...counts[i], actual }
        return { threshold, ...scoresOf(count) }
      })
    },
  }
}
