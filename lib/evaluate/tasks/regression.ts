/** Numbers predicted for a row. With several outputs, the mean over them. */
import { labelsOf } from './task-measure.js'
import { derived, type Metric } from '../metrics/metric.js'
import { regressionMetric, spearmanMetric, type RegressionRow, type RegressionScores } from '../metrics/regression.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { SpreadCounter, type Spread } from '../spread.js'
import { rowPerText } from './joined-windows.js'
import { lossMetric, type MeasuredRow, type TaskMeasure } from './task-measure.js'

export interface NumbersRow extends MeasuredRow {
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
}

export interface RegressionRecord {
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
}

export interface RegressionDetails {
  /** Of each output. */
  readonly outputs: readonly { readonly labels: Spread; readonly predictions: Spread }[]
}

export const regressionMeasure = {
  name: 'regression',
  metrics: {
    loss: lossMetric,
    mse: ofScores('mse', false),
    rmse: ofScores('rmse', false),
    mae: ofScores('mae', false),
    r2: ofScores('r2'),
    pearson: ofScores('pearson'),
    spearman: perOutput(() => spearmanMetric()),
  },
  usual: () => ['loss', 'rmse', 'mae', 'r2', 'pearson', 'spearman'],
  reader: rowPerText(({ example, logits, loss }): NumbersRow => {
    const labels = labelsOf(example)
    const expected = typeof labels === 'number' ? [labels] : Array.from(labels)
    const predictions = Array.from(logits)
    const lossSum = loss ?? expected.reduce((sum, label, i) => sum + (label - (predictions[i] ?? NaN)) ** 2, 0)
    return { lossSum, weight: expected.length, labels: expected, predictions }
  }),
  details() {
    const labels: SpreadCounter[] = []
    const predictions: SpreadCounter[] = []
    return {
      add: (row) =>
        row.labels.forEach((label, i) => {
          ;(labels[i] ??= new SpreadCounter()).add(label)
          ;(predictions[i] ??= new SpreadCounter()).add(row.predictions[i] ?? NaN)
        }),
      value: () => ({
        outputs: labels.map((counter, i) => ({
          labels: counter.value(),
          predictions: (predictions[i] ?? counter).value(),
        })),
      }),
    }
  },
  record: ({ labels, predictions }) => ({ labels, predictions }),
  constant(given) {
    const rows = given.map((label) => (typeof label === 'number' ? [label] : Array.from(label)))
    const means = (rows[0] ?? []).map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? NaN), 0) / rows.length)
    return ({ labels, weight }) => ({
      lossSum: labels.reduce((sum, label, i) => sum + (label - (means[i] ?? NaN)) ** 2, 0),
      weight,
      labels,
      predictions: means,
    })
  },
} satisfies TaskMeasure<NumbersRow, RegressionDetails, RegressionRecord>

function ofScores(key: keyof RegressionScores, greaterIsBetter = true): TaskMetric<NumbersRow> {
  return perOutput(() => derived(regressionMetric(), (scores) => scores[key]), greaterIsBetter)
}

function perOutput(make: () => Metric<RegressionRow, number>, greaterIsBetter = true): TaskMetric<NumbersRow> {
  return taskMetric<NumbersRow, [readonly number[], readonly number[]]>({
    greaterIsBetter,
    of: ({ labels, predictions }) => [labels, predictions],
    make() {
      const outputs: Metric<RegressionRow, number>[] = []
      return {
        add: (labels, predictions) =>
          labels.forEach((label, i) => (outputs[i] ??= make()).add(label, predictions[i] ?? NaN)),
        value: () => outputs.reduce((sum, output) => sum + output.value(), 0) / outputs.length,
      }
    },
  })
}
