/** Classification with any number of labels a row. */
import { sigmoid } from '../../models/probabilities.js'
import { labelsOf } from './task-measure.js'
import { averageOf, thresholdsOf, type MetricContext } from '../metric-options.js'
import { calibrationMetric, type Calibration } from '../metrics/calibration.js'
import { derived, meanOfDefined, type Metric } from '../metrics/metric.js'
import { multiLabelMetric, type LabelSetRow, type MultiLabelScores } from '../metrics/multi-label.js'
import type { PrecisionRecall } from '../metrics/precision-recall.js'
import { averagePrecision, rocAuc } from '../metrics/ranking.js'
import { thresholdCurveMetric, thresholdMetric, type Threshold, type ThresholdPoint } from '../metrics/thresholds.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { rowPerText } from './joined-windows.js'
import { lossMetric, ratioMetric, type MeasuredRow, type TaskMeasure } from './task-measure.js'
import { classReport, type ClassReport } from './class-report.js'

export interface MultiLabelRow extends MeasuredRow {
  /** One 0 or 1 for each label. */
  readonly labels: readonly number[]
  readonly probabilities: Float64Array
}

type ScoresRow = [labels: readonly number[], probabilities: Float64Array]

export interface LabelReport extends ClassReport {
  /** The threshold that has the highest F1 on these rows; on others it will have less. */
  readonly bestThreshold: Threshold
}

export interface MultiLabelDetails {
  readonly perLabel: readonly LabelReport[]
  readonly averages: Readonly<Record<'micro' | 'macro' | 'weighted' | 'samples', PrecisionRecall>>
  /** One threshold for all labels, by micro F1. */
  readonly bestThreshold: Threshold
  /** Of all decisions together. */
  readonly thresholdCurve: readonly ThresholdPoint[]
  readonly calibration: Calibration
}

export interface MultiLabelRecord {
  readonly labels: readonly string[]
  readonly predictions: readonly string[]
  readonly correct: boolean
  readonly probabilities: Readonly<Record<string, number>>
}

export const multiLabelMeasure = {
  name: 'sequence classification with many labels',
  metrics: {
    loss: lossMetric,
    accuracy: ofDecisions(
      () =>
        ({ subsetAccuracy }) =>
          subsetAccuracy,
    ),
    'hamming-loss': ofDecisions(
      () =>
        ({ hammingLoss }) =>
          hammingLoss,
      false,
    ),
    precision: ofDecisions(averaged('precision')),
    recall: ofDecisions(averaged('recall')),
    f1: ofDecisions(averaged('fScore')),
    'roc-auc': ofColumns(rocAuc),
    // Undefined for a label that no row has, as its ROC-AUC.
    'average-precision': ofColumns((labels, scores) => (labels.includes(1) ? averagePrecision(labels, scores) : NaN)),
    brier: taskMetric<MultiLabelRow, [number, number]>({
      greaterIsBetter: false,
      of: ({ labels, probabilities }) => [
        labels.reduce((sum, label, i) => sum + (label - (probabilities[i] ?? NaN)) ** 2, 0),
        labels.length,
      ],
      make: () => ratioMetric(),
    }),
    'calibration-error': taskMetric<MultiLabelRow, ScoresRow>({
      greaterIsBetter: false,
      of: ({ labels, probabilities }) => [labels, probabilities],
      make: ({ options }) => {
        const metric = calibrationMetric({ bins: options.calibrationBins })
        return {
          add: (labels, probabilities) =>
            labels.forEach((label, i) => metric.add(probabilities[i] ?? NaN, label === 1)),
          value: () => metric.value().expectedCalibrationError,
        }
      },
    }),
  },
  usual: () => [
    'loss',
    'accuracy',
    'precision',
    'recall',
    'f1',
    'roc-auc',
    'average-precision',
    'hamming-loss',
    'brier',
  ],
  reader: rowPerText(({ example, logits, loss }): MultiLabelRow => {
    const labels = labelsOf(example)
    const set = typeof labels === 'number' ? [labels] : Array.from(labels)
    const lossSum = loss ?? set.reduce((sum, label, i) => sum + binaryLoss(logits[i] ?? NaN, label), 0)
    return { lossSum, weight: set.length, labels: set, probabilities: Float64Array.from(logits, sigmoid) }
  }),
  details,
  record({ labels: set, probabilities }, context) {
    const decisions = decisionsOf(probabilities, thresholdsOf(context))
    const named = (values: readonly number[]): string[] => context.labels.filter((_, i) => values[i] === 1)
    return {
      labels: named(set),
      predictions: named(decisions),
      correct: decisions.every((decision, i) => decision === set[i]),
      probabilities: Object.fromEntries(context.labels.map((name, i) => [name, probabilities[i] ?? NaN])),
    }
  },
  countLabels: ({ labels }, counts) => labels.forEach((label, i) => (counts[i] = (counts[i] ?? 0) + label)),
  constant(given, { labels: names }) {
    const sets = given.filter((set) => typeof set !== 'number')
    const shares = names.map((_, i) => sets.reduce((sum, set) => sum + (set[i] ?? 0), 0) / sets.length)
    const probabilities = Float64Array.from(shares)
    return ({ labels, weight }) => ({
      lossSum: labels.reduce((sum, label, i) => {
        const share = probabilities[i] ?? 0
        return sum - Math.log(label === 1 ? share : 1 - share)
      }, 0),
      weight,
      labels,
      probabilities,
    })
  },
} satisfies TaskMeasure<MultiLabelRow, MultiLabelDetails, MultiLabelRecord>

/** Cross-entropy, in the form that does not overflow. */
function binaryLoss(logit: number, label: number): number {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)))
}

function details(context: MetricContext): Metric<[row: MultiLabelRow], MultiLabelDetails> {
  const { labels: names, options } = context
  const decided = multiLabelMetric({ zeroDivision: options.zeroDivision })
  const found = thresholdMetric()
  const curve = thresholdCurveMetric()
  const calibration = calibrationMetric({ bins: options.calibrationBins })
  const thresholds = thresholdsOf(context)
  return {
    add({ labels, probabilities }) {
      decided.add(labels, decisionsOf(probabilities, thresholds))
      found.add(labels, probabilities)
      labels.forEach((label, i) => {
        curve.add(label, probabilities[i] ?? NaN)
        calibration.add(probabilities[i] ?? NaN, label === 1)
      })
    },
    value() {
      const { perLabel, micro, macro, weighted, samples } = decided.value()
      const best = found.value()
      return {
        perLabel: perLabel.map((scores, i) => ({
          ...classReport(names[i] ?? '', scores),
          bestThreshold: best.perLabel[i] ?? best.global,
        })),
        averages: { micro, macro, weighted, samples },
        bestThreshold: best.global,
        thresholdCurve: curve.value(),
        calibration: calibration.value(),
      }
    },
  }
}

/** One 0 or 1 for each label. */
export function decisionsOf(probabilities: ArrayLike<number>, thresholds: readonly number[]): number[] {
  return thresholds.map((threshold, i) => ((probabilities[i] ?? NaN) >= threshold ? 1 : 0))
}

function ofDecisions(
  compute: (context: MetricContext) => (scores: MultiLabelScores) => number,
  greaterIsBetter = true,
): TaskMetric<MultiLabelRow> {
  return taskMetric<MultiLabelRow, LabelSetRow>({
    greaterIsBetter,
    of: ({ labels, probabilities }, context) => [labels, decisionsOf(probabilities, thresholdsOf(context))],
    make: (context) => derived(multiLabelMetric({ zeroDivision: context.options.zeroDivision }), compute(context)),
  })
}

function averaged(key: keyof PrecisionRecall) {
  return (context: MetricContext) => {
    const average = averageOf(context, ['micro', 'macro', 'weighted', 'samples'], 'macro')
    return (scores: MultiLabelScores) => scores[average][key]
  }
}

/** Mean of an area over the labels: plain, by how many rows have them, or of all decisions together. */
function ofColumns(area: (labels: readonly number[], scores: readonly number[]) => number): TaskMetric<MultiLabelRow> {
  return taskMetric<MultiLabelRow, ScoresRow>({
    of: ({ labels, probabilities }) => [labels, probabilities],
    make({ options, labels: names }): Metric<ScoresRow, number> {
      const rows: ScoresRow[] = []
      return {
        add: (...row) => rows.push(row),
        value() {
          const labels = names.map((_, label) => rows.map(([set]) => set[label] ?? NaN))
          const scores = names.map((_, label) => rows.map(([, row]) => row[label] ?? NaN))
          if (options.average === 'micro') return area(labels.flat(), scores.flat())
          const support = labels.map((column) => column.reduce((sum, label) => sum + label, 0))
          const areas = labels.map((column, label) => area(column, scores[label] ?? []))
          return meanOfDefined(areas, options.average === 'weighted' ? support : undefined)
        },
      }
    },
  })
}
