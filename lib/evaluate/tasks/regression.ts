/** Numbers predicted for a row. With several outputs, the mean over them. */
import { derived, type Metric } from '../metrics/metric.js'
import { regressionMetric, spearmanMetric, type RegressionRow, type RegressionScores } from '../metrics/regression.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { logitsOf, lossMetric, type MeasuredRow, type TaskMeasure } from './task-measure.js'

export interface NumbersRow extends MeasuredRow {
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
}

export const regressionMeasure: TaskMeasure<NumbersRow> = {
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
  rows: (examples, evaluation) =>
    examples.map(({ labels }, row) => {
      const expected = typeof labels === 'number' ? [labels] : Array.from(labels)
      const predictions = Array.from(logitsOf(evaluation, row))
      return { lossSum: evaluation.losses[row] ?? NaN, weight: expected.length, labels: expected, predictions }
    }),
}

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
