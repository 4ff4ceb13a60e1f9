/** Classification with one label a row. */
import { largestIndex, softmax } from '../../models/probabilities.js'
import { labelsOf } from './task-measure.js'
import { averageOf, positiveClass, type MetricContext } from '../metric-options.js'
import {
  accuracyMetric,
  balancedAccuracyMetric,
  cohenKappaMetric,
  matthewsCorrelationMetric,
} from '../metrics/accuracy.js'
import { calibrationMetric, type Calibration } from '../metrics/calibration.js'
import type { ClassRow } from '../metrics/confusion-matrix.js'
import { derived, meanOfDefined, type Metric } from '../metrics/metric.js'
import { precisionRecallMetric, type PrecisionRecall } from '../metrics/precision-recall.js'
import { brierScoreMetric, topKAccuracyMetric } from '../metrics/probabilities.js'
import {
  averagePrecision,
  averagePrecisionMetric,
  multiclassRocAucMetric,
  rocAucMetric,
  type BinaryScoreRow,
  type ClassScoresRow,
} from '../metrics/ranking.js'
import { bestThreshold, thresholdCurveMetric, type Threshold, type ThresholdPoint } from '../metrics/thresholds.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { classDetailsMetric, type ClassDetails } from './class-report.js'
import { rowPerText } from './joined-windows.js'
import { lossMetric, type MeasuredRow, type TaskMeasure } from './task-measure.js'

export interface SingleLabelRow extends MeasuredRow {
  /** Index of the class that it has, and of the likeliest. */
  readonly label: number
  readonly prediction: number
  /** Of each class. */
  readonly probabilities: Float64Array
}

/** Rows of more classes than this have `top-k-accuracy` where no metrics are named. */
const manyClasses = 10

export interface SingleLabelDetails extends ClassDetails {
  readonly calibration: Calibration
  /** Of two classes: precision, recall and F1 of the positive one by the probability from which it is predicted. */
  readonly thresholdCurve?: readonly ThresholdPoint[]
  readonly bestThreshold?: Threshold
}

export interface SingleLabelRecord {
  readonly label: string
  readonly prediction: string
  readonly correct: boolean
  /** Probability of the prediction. */
  readonly score: number
  readonly probabilities: Readonly<Record<string, number>>
}

export const singleLabelMeasure = {
  name: 'sequence classification with one label',
  metrics: {
    loss: lossMetric,
    accuracy: ofClasses(classes(accuracyMetric)),
    'balanced-accuracy': ofClasses(classes(balancedAccuracyMetric)),
    precision: ofClasses(scored('precision')),
    recall: ofClasses(scored('recall')),
    f1: ofClasses(scored('fScore')),
    mcc: ofClasses(classes(matthewsCorrelationMetric)),
    'cohen-kappa': ofClasses(classes(cohenKappaMetric)),
    'roc-auc': ofScores(rocAucMetric, ({ options }) =>
      multiclassRocAucMetric({ average: options.average === 'weighted' ? 'weighted' : 'macro' }),
    ),
    'average-precision': ofScores(averagePrecisionMetric, multiclassAveragePrecision),
    'top-k-accuracy': taskMetric<SingleLabelRow, [number, Float64Array]>({
      of: ({ label, probabilities }) => [label, probabilities],
      make: ({ options }) => topKAccuracyMetric(options.topK),
    }),
    brier: taskMetric<SingleLabelRow, [number, Float64Array]>({
      greaterIsBetter: false,
      of: ({ label, probabilities }) => [label, probabilities],
      make: brierScoreMetric,
    }),
    'calibration-error': taskMetric<SingleLabelRow, [number, boolean]>({
      greaterIsBetter: false,
      of: confidenceOf,
      make: ({ options }) =>
        derived(
          calibrationMetric({ bins: options.calibrationBins }),
          ({ expectedCalibrationError }) => expectedCalibrationError,
        ),
    }),
  },
  usual(labels) {
    const two = labels.length === 2 ? ['roc-auc', 'average-precision'] : []
    const many = labels.length > manyClasses ? ['top-k-accuracy'] : []
    return ['loss', 'accuracy', 'precision', 'recall', 'f1', 'mcc', ...two, ...many, 'brier', 'calibration-error']
  },
  reader: rowPerText(({ example, logits, loss }): SingleLabelRow => {
    const label = Number(labelsOf(example))
    const probabilities = softmax(logits)
    const lossSum = loss ?? -Math.log(probabilities[label] ?? NaN)
    return { lossSum, weight: 1, label, prediction: largestIndex(probabilities), probabilities }
  }),
  details,
  record: (row, { labels }) => ({
    label: labels[row.label] ?? '',
    prediction: labels[row.prediction] ?? '',
    correct: row.label === row.prediction,
    score: row.probabilities[row.prediction] ?? NaN,
    probabilities: Object.fromEntries(labels.map((name, c) => [name, row.probabilities[c] ?? NaN])),
  }),
  isCorrect: ({ label, prediction }) => label === prediction,
  countLabels: ({ label }, counts) => (counts[label] = (counts[label] ?? 0) + 1),
  constant(given, { labels }) {
    const counts = labels.map((_, c) => given.filter((label) => label === c).length)
    const probabilities = Float64Array.from(counts, (count) => count / given.length)
    const prediction = largestIndex(probabilities)
    return ({ label }) => ({
      lossSum: -Math.log(probabilities[label] ?? 0),
      weight: 1,
      label,
      prediction,
      probabilities,
    })
  },
} satisfies TaskMeasure<SingleLabelRow, SingleLabelDetails, SingleLabelRecord>

function details(context: MetricContext): Metric<[row: SingleLabelRow], SingleLabelDetails> {
  const { labels: names, options } = context
  const classes = classDetailsMetric(names, options)
  const calibration = calibrationMetric({ bins: options.calibrationBins })
  const two = names.length === 2
  const positive = two ? positiveClass(context) : -1
  const curve = thresholdCurveMetric()
  const labels: number[] = []
  const scores: number[] = []
  return {
    add(row) {
      classes.add(row.label, row.prediction)
      calibration.add(...confidenceOf(row))
      if (!two) return
      labels.push(row.label === positive ? 1 : 0)
      scores.push(row.probabilities[positive] ?? NaN)
      curve.add(row.label === positive ? 1 : 0, row.probabilities[positive] ?? NaN)
    },
    value() {
      return {
        ...classes.value(),
        calibration: calibration.value(),
        ...(two && { thresholdCurve: curve.value(), bestThreshold: bestThreshold(labels, scores) }),
      }
    },
  }
}

/** How likely the prediction was, and whether it was right. */
export function confidenceOf({ label, prediction, probabilities }: SingleLabelRow): [number, boolean] {
  return [probabilities[prediction] ?? NaN, prediction === label]
}

type ClassMetric = (context: MetricContext) => Metric<ClassRow, number>

function ofClasses(make: ClassMetric): TaskMetric<SingleLabelRow> {
  return taskMetric<SingleLabelRow, ClassRow>({ of: ({ label, prediction }) => [label, prediction], make })
}

function classes(make: (options: { classes: readonly number[] }) => Metric<ClassRow, number>): ClassMetric {
  return ({ labels }) => make({ classes: labels.map((_, i) => i) })
}

function scored(key: keyof PrecisionRecall): ClassMetric {
  return (context) => {
    const { labels, options } = context
    const average = averageOf(
      context,
      labels.length === 2
        ? (['binary', 'micro', 'macro', 'weighted'] as const)
        : (['micro', 'macro', 'weighted'] as const),
      labels.length === 2 ? 'binary' : 'macro',
    )
    const positive = average === 'binary' ? positiveClass(context) : undefined
    const { zeroDivision } = options
    // Without a list of classes those are averaged that some row has or is predicted as, as scikit-learn does.
    const classes = average === 'binary' ? labels.map((_, i) => i) : undefined
    const settings = { classes, average, positive, zeroDivision }
    return derived(precisionRecallMetric(settings), (scores) => scores[key])
  }
}

/** By the score of the positive class where there are two, else of each class against the rest. */
function ofScores(
  binary: () => Metric<BinaryScoreRow, number>,
  several: (context: MetricContext) => Metric<ClassScoresRow, number>,
): TaskMetric<SingleLabelRow> {
  return taskMetric<SingleLabelRow, ClassScoresRow>({
    of: ({ label, probabilities }) => [label, probabilities],
    make(context) {
      if (context.labels.length > 2) return several(context)
      const positive = positiveClass(context)
      const metric = binary()
      return {
        add: (label, scores) => metric.add(label === positive ? 1 : 0, scores[positive] ?? NaN),
        value: () => metric.value(),
      }
    },
  })
}

/** Mean over the classes that some row has. */
function multiclassAveragePrecision({ labels: names, options }: MetricContext): Metric<ClassScoresRow, number> {
  const labels: number[] = []
  const scores: ArrayLike<number>[] = []
  return {
    add(label, row) {
      labels.push(label)
      scores.push(row)
    },
    value() {
      const support = names.map((_, c) => labels.filter((label) => label === c).length)
      const areas = names.map((_, c) => {
        if (support[c] === 0) return NaN
        const own = labels.map((label) => (label === c ? 1 : 0))
        return averagePrecision(
          own,
          scores.map((row) => row[c] ?? NaN),
        )
      })
      return meanOfDefined(areas, options.average === 'weighted' ? support : undefined)
    },
  }
}
