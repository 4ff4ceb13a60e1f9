import { measure, requireRows, type Metric } from './metric.js'

export type RegressionRow = [label: number, prediction: number]

export interface RegressionScores {
  readonly mse: number
  readonly rmse: number
  readonly mae: number
  /** Share of the labels' variance that is explained; as scikit-learn 1 or 0 where the labels are constant, NaN of one row. */
  readonly r2: number
  /** NaN where labels or predictions are constant. */
  readonly pearson: number
}

/** Moments only (Welford's update, which does not lose small variances beside large means). */
export function regressionMetric(): Metric<RegressionRow, RegressionScores> {
  let rows = 0
  let squaredError = 0
  let absoluteError = 0
  const mean = { label: 0, prediction: 0 }
  let labelSpread = 0
  let predictionSpread = 0
  let covariation = 0
  return {
    add(label, prediction) {
      rows++
      squaredError += (label - prediction) ** 2
      absoluteError += Math.abs(label - prediction)
      const labelStep = label - mean.label
      const predictionStep = prediction - mean.prediction
      mean.label += labelStep / rows
      mean.prediction += predictionStep / rows
      labelSpread += labelStep * (label - mean.label)
      predictionSpread += predictionStep * (prediction - mean.prediction)
      covariation += labelStep * (prediction - mean.prediction)
    },
    value() {
      requireRows(rows, 'regression scores')
      const mse = squaredError / rows
      return {
        mse,
        rmse: Math.sqrt(mse),
        mae: absoluteError / rows,
        r2: r2(),
        pearson: covariation / Math.sqrt(labelSpread * predictionSpread),
      }
    },
  }

  function r2(): number {
    if (rows < 2) return NaN
    if (labelSpread === 0) return squaredError === 0 ? 1 : 0
    return 1 - squaredError / labelSpread
  }
}

export function regressionScores(labels: ArrayLike<number>, predictions: ArrayLike<number>): RegressionScores {
  return measure(regressionMetric(), labels, predictions)
}

/** Pearson's correlation of the ranks, equal values sharing their mean rank. Keeps the values: ranks need them all. */
export function spearmanMetric(): Metric<RegressionRow, number> {
  const labels: number[] = []
  const predictions: number[] = []
  return {
    add(label, prediction) {
      labels.push(label)
      predictions.push(prediction)
    },
    value: () => regressionScores(ranks(labels), ranks(predictions)).pearson,
  }
}

export function spearman(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  return measure(spearmanMetric(), labels, predictions)
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  const result = new Array<number>(values.length).fill(0)
  for (let start = 0; start < order.length;) {
    let end = start + 1
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end++
    for (const index of order.slice(start, end)) result[index] = (start + end - 1) / 2
    start = end
  }
  return result
}
