/** Areas under curves: they rank all rows, so the scores are kept (one number a row and class, no logits). */
import { AttuneError } from '../../errors.js'
import { measure, meanOfDefined, requireLength, requireRows, type Metric } from './metric.js'

/** 1 for the positive class, 0 for the other; the higher the score, the likelier the positive class. */
export type BinaryScoreRow = [label: number, score: number]
/** The class's id and one score for each class. */
export type ClassScoresRow = [label: number, scores: ArrayLike<number>]

/**
 * Chance that a positive row scores above a negative one, ties counting half: the area under the ROC curve.
 * NaN where one of the two classes is absent.
 */
export function rocAuc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const steps = scoreSteps(labels, scores)
  requireRows(steps.length, 'ROC-AUC')
  let positivesAbove = 0
  let wins = 0
  let negatives = 0
  for (const step of steps) {
    wins += step.negatives * (positivesAbove + step.positives / 2)
    positivesAbove += step.positives
    negatives += step.negatives
  }
  return wins / (positivesAbove * negatives)
}

/**
 * Mean precision over the recall gained at each distinct score, without interpolation. 0 where no row is positive, as
 * scikit-learn.
 */
export function averagePrecision(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const steps = scoreSteps(labels, scores)
  requireRows(steps.length, 'average precision')
  let positives = 0
  let predicted = 0
  let sum = 0
  for (const step of steps) {
    positives += step.positives
    predicted += step.positives + step.negatives
    sum += step.positives * (positives / predicted)
  }
  return positives === 0 ? 0 : sum / positives
}

interface ScoreStep {
  readonly score: number
  /** Rows with exactly this score, by class. */
  positives: number
  negatives: number
}

/**
 * The distinct scores, highest first, and how many rows of each class have them.
 * @throws AttuneError 'shape-mismatch', 'invalid-dataset' (a label other than 0 and 1, a score that is NaN)
 */
export function scoreSteps(labels: ArrayLike<number>, scores: ArrayLike<number>): ScoreStep[] {
  requireLength(scores.length, labels.length, 'labels and scores')
  const order = Array.from({ length: labels.length }, (_, row) => row)
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  const steps: ScoreStep[] = []
  let last: ScoreStep | undefined
  for (const row of order) {
    const score = requireNumber(scores[row], `scores[${row}]`)
    if (last?.score !== score) steps.push((last = { score, positives: 0, negatives: 0 }))
    if (labels[row] === 1) last.positives++
    else if (labels[row] === 0) last.negatives++
    else throw invalid(`labels[${row}]`, '0 or 1', labels[row])
  }
  return steps
}

function requireNumber(value: number | undefined, where: string): number {
  if (value === undefined || Number.isNaN(value)) throw invalid(where, 'a number', value)
  return value
}

function invalid(where: string, expected: string, value: unknown): AttuneError {
  return new AttuneError('invalid-dataset', `${where}: expected ${expected}, received ${String(value)}`, { where })
}

function binaryMetric(compute: (labels: readonly number[], scores: readonly number[]) => number) {
  return (): Metric<BinaryScoreRow, number> => {
    const labels: number[] = []
    const scores: number[] = []
    return {
      add(label, score) {
        labels.push(label)
        scores.push(score)
      },
      value: () => compute(labels, scores),
    }
  }
}

export const rocAucMetric = binaryMetric(rocAuc)
export const averagePrecisionMetric = binaryMetric(averagePrecision)

export interface MulticlassRocAucOptions {
  /** Each class against the rest, or each pair of classes. @default 'ovr' */
  readonly multiClass?: 'ovr' | 'ovo' | undefined
  /** Mean over the classes (pairs), plain or by how many rows have them. @default 'macro' */
  readonly average?: 'macro' | 'weighted' | undefined
}

/** Over the classes that the data has: one without a row, or that every row has, counts in no mean. NaN with one class only. */
export function multiclassRocAucMetric(options: MulticlassRocAucOptions = {}): Metric<ClassScoresRow, number> {
  const { multiClass = 'ovr', average = 'macro' } = options
  const labels: number[] = []
  const columns: number[][] = []
  return {
    add(label, scores) {
      keepScores(columns, label, scores, labels.length)
      labels.push(label)
    },
    value() {
      requireRows(labels.length, 'ROC-AUC')
      return multiClass === 'ovr' ? oneVsRest() : oneVsOne()
    },
  }

  function oneVsRest(): number {
    const areas = columns.map((scores, c) =>
      rocAuc(
        labels.map((label) => (label === c ? 1 : 0)),
        scores,
      ),
    )
    return meanOfDefined(areas, average === 'weighted' ? columns.map((_, c) => countOf(c)) : undefined)
  }

  // Hand and Till 2001: for each pair, the mean of the areas by either class's score.
  function oneVsOne(): number {
    const areas: number[] = []
    const weights: number[] = []
    for (let a = 0; a < columns.length; a++) {
      for (let b = a + 1; b < columns.length; b++) {
        const rows = labels.flatMap((label, row) => (label === a || label === b ? [row] : []))
        if (rows.length === 0) continue
        areas.push((areaOf(a, rows) + areaOf(b, rows)) / 2)
        weights.push(rows.length)
      }
    }
    return meanOfDefined(areas, average === 'weighted' ? weights : undefined)
  }

  function areaOf(positive: number, rows: readonly number[]): number {
    const isPositive = rows.map((row) => (labels[row] === positive ? 1 : 0))
    return rocAuc(
      isPositive,
      rows.map((row) => columns[positive]?.[row] ?? NaN),
    )
  }

  function countOf(c: number): number {
    return labels.reduce((count, label) => count + (label === c ? 1 : 0), 0)
  }
}

export function multiclassRocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<ArrayLike<number>>,
  options?: MulticlassRocAucOptions,
): number {
  return measure(multiclassRocAucMetric(options), labels, scores)
}

/** Adds a row's scores to the columns; checks that the label is one of them. */
function keepScores(columns: number[][], label: number, scores: ArrayLike<number>, rows: number): void {
  if (rows > 0) requireLength(scores.length, columns.length, 'rows of scores')
  requireClass(label, scores.length)
  for (let c = 0; c < scores.length; c++) (columns[c] ??= []).push(scores[c] ?? NaN)
}

/** @throws AttuneError 'invalid-dataset' */
export function requireClass(label: number, classes: number): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return
  throw invalid('label', `a class from 0 to ${classes - 1}`, label)
}
