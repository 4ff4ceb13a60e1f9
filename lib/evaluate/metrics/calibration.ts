import { AttuneError } from '../../errors.js'
import { measure, requireRows, type Metric } from './metric.js'
import { requireClass } from './ranking.js'

export interface ReliabilityBin {
  /** Confidences above `lower` (0 included in the first bin) up to `upper`. */
  readonly lower: number
  readonly upper: number
  readonly rows: number
  /** Mean confidence and share of correct rows; NaN in a bin without rows. */
  readonly confidence: number
  readonly accuracy: number
}

export interface Calibration {
  /** Mean distance of accuracy from confidence over the bins, by their rows (Guo et al. 2017). */
  readonly expectedCalibrationError: number
  /** The largest such distance. */
  readonly maximumCalibrationError: number
  readonly bins: readonly ReliabilityBin[]
}

export interface CalibrationOptions {
  /** Bins of equal width between 0 and 1. @default 15 */
  readonly bins?: number | undefined
}

/** A confidence and whether it was right: the highest probability and a hit, or the probability of a label and whether it is there. */
export type ConfidenceRow = [confidence: number, correct: boolean]

/** `add` throws AttuneError 'invalid-dataset' for a confidence outside 0..1. */
export function calibrationMetric({ bins: count = 15 }: CalibrationOptions = {}): Metric<ConfidenceRow, Calibration> {
  if (!Number.isInteger(count) || count < 1) {
    throw new AttuneError('invalid-option', `options.bins: expected a whole number from 1 on, received ${count}`, {
      where: 'options.bins',
    })
  }
  const bins = Array.from({ length: count }, () => ({ rows: 0, confidence: 0, correct: 0 }))
  return {
    add(confidence, correct) {
      const bin = bins[Math.max(Math.ceil(confidence * count) - 1, 0)]
      if (bin === undefined || !(confidence >= 0)) {
        throw new AttuneError('invalid-dataset', `expected a probability as a confidence, received ${confidence}`)
      }
      bin.rows++
      bin.confidence += confidence
      bin.correct += correct ? 1 : 0
    },
    value() {
      const rows = bins.reduce((sum, bin) => sum + bin.rows, 0)
      requireRows(rows, 'calibration')
      const gaps = bins.map((bin) => (bin.rows === 0 ? 0 : Math.abs(bin.correct - bin.confidence) / bin.rows))
      return {
        expectedCalibrationError: bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence), 0) / rows,
        maximumCalibrationError: Math.max(...gaps),
        bins: bins.map((bin, i) => ({
          lower: i / count,
          upper: (i + 1) / count,
          rows: bin.rows,
          confidence: bin.confidence / bin.rows,
          accuracy: bin.correct / bin.rows,
        })),
      }
    },
  }
}

/** Of class probabilities: the confidence is the highest, and it is right where that class is the label. */
export function calibration(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<ArrayLike<number>>,
  options?: CalibrationOptions,
): Calibration {
  const metric = calibrationMetric(options)
  return measure<[label: number, probabilities: ArrayLike<number>], Calibration>(
    {
      add(label, row) {
        requireClass(label, row.length)
        let best = 0
        for (let c = 1; c < row.length; c++) if ((row[c] ?? 0) > (row[best] ?? 0)) best = c
        metric.add(row[best] ?? NaN, best === label)
      },
      value: () => metric.value(),
    },
    labels,
    probabilities,
  )
}
