import { measure, requireLength, requireRows, type Metric } from './metric.js'
import {
  averageScores,
  scoresOf,
  type Average,
  type PositiveCounts,
  type PrecisionRecall,
  type ScoreOptions,
} from './precision-recall.js'

/** One 0 or 1 for each label. */
export type LabelSet = ArrayLike<number>
export type LabelSetRow = [labels: LabelSet, predictions: LabelSet]

export interface MultiLabelScores {
  /** Over the labels, or (`samples`) the mean over the rows. */
  readonly micro: PrecisionRecall
  readonly macro: PrecisionRecall
  readonly weighted: PrecisionRecall
  readonly samples: PrecisionRecall
  /** Each label by itself. */
  readonly perLabel: readonly (PrecisionRecall & { readonly support: number })[]
  /** Share of the rows with every label right. */
  readonly subsetAccuracy: number
  /** Share of the single decisions that are wrong. */
  readonly hammingLoss: number
}

/** `add` throws AttuneError 'shape-mismatch' where a row has another number of labels than those before it. */
export function multiLabelMetric(options: ScoreOptions = {}): Metric<LabelSetRow, MultiLabelScores> {
  const truePositives: number[] = []
  const predicted: number[] = []
  const actual: number[] = []
  const samples = { precision: new Mean(), recall: new Mean(), fScore: new Mean() }
  let width: number | undefined
  let rows = 0
  let allRight = 0
  let wrong = 0

  return {
    add(labels, predictions) {
      width ??= labels.length
      requireLength(labels.length, width, 'rows of labels')
      requireLength(predictions.length, width, 'labels and predictions')
      const row = { truePositives: 0, predicted: 0, actual: 0 }
      let differences = 0
      for (let label = 0; label < width; label++) {
        const isThere = labels[label] === 0 ? 0 : 1
        const isPredicted = predictions[label] === 0 ? 0 : 1
        truePositives[label] = (truePositives[label] ?? 0) + isThere * isPredicted
        predicted[label] = (predicted[label] ?? 0) + isPredicted
        actual[label] = (actual[label] ?? 0) + isThere
        row.truePositives += isThere * isPredicted
        row.predicted += isPredicted
        row.actual += isThere
        differences += isThere === isPredicted ? 0 : 1
      }
      const scores = scoresOf(row, options)
      samples.precision.add(scores.precision)
      samples.recall.add(scores.recall)
      samples.fScore.add(scores.fScore)
      rows++
      allRight += differences === 0 ? 1 : 0
      wrong += differences
    },
    value() {
      requireRows(rows, 'multi-label scores')
      const counts: PositiveCounts[] = truePositives.map((hits, label) => ({
        truePositives: hits,
        predicted: predicted[label] ?? 0,
        actual: actual[label] ?? 0,
      }))
      const averaged = (average: Average): PrecisionRecall => averageScores(counts, average, options)
      const { precision, recall, fScore } = samples
      return {
        micro: averaged('micro'),
        macro: averaged('macro'),
        weighted: averaged('weighted'),
        samples: { precision: precision.value, recall: recall.value, fScore: fScore.value },
        perLabel: counts.map((one) => ({ ...scoresOf(one, options), support: one.actual })),
        subsetAccuracy: allRight / rows,
        hammingLoss: wrong / (rows * counts.length),
      }
    },
  }
}

/** A running mean that leaves NaN out. */
class Mean {
  #sum = 0
  #count = 0

  add(value: number): void {
    if (Number.isNaN(value)) return
    this.#sum += value
    this.#count++
  }

  get value(): number {
    return this.#sum / this.#count
  }
}

export function multiLabelScores(
  labels: ArrayLike<LabelSet>,
  predictions: ArrayLike<LabelSet>,
  options?: ScoreOptions,
): MultiLabelScores {
  return measure(multiLabelMetric(options), labels, predictions)
}
