import { describe, expect, it } from 'vitest'
import { calibration, calibrationMetric } from '../../../lib/evaluate/metrics/calibration.js'
import { refusal } from '../../refusal.js'
import { expectClose } from './close.js'

describe('calibration', () => {
  it('bins confidences and weighs the gaps by rows', () => {
    const metric = calibrationMetric({ bins: 2 })
    metric.add(0.25, false)
    metric.add(0.5, true)
    metric.add(1, true)
    metric.add(0.75, false)
    // The upper end belongs to a bin: 0.5 is in the first.
    const { expectedCalibrationError, maximumCalibrationError, bins } = metric.value()
    expectClose(
      bins,
      [
        { lower: 0, upper: 0.5, rows: 2, confidence: 0.375, accuracy: 0.5 },
        { lower: 0.5, upper: 1, rows: 2, confidence: 0.875, accuracy: 0.5 },
      ],
      1e-15,
    )
    expect(expectedCalibrationError).toBeCloseTo((2 * 0.125 + 2 * 0.375) / 4, 15)
    expect(maximumCalibrationError).toBeCloseTo(0.375, 15)
  })

  it('takes the highest of class probabilities', () => {
    const { bins, expectedCalibrationError } = calibration(
      [0, 1],
      [
        [0.75, 0.25],
        [0.75, 0.25],
      ],
      { bins: 4 },
    )
    expect(bins[2]).toMatchObject({ rows: 2, confidence: 0.75, accuracy: 0.5 })
    expect(bins[0]).toMatchObject({ rows: 0, confidence: NaN, accuracy: NaN })
    expect(expectedCalibrationError).toBeCloseTo(0.25, 15)
  })

  it('has a bin for 0 and for 1', () => {
    const metric = calibrationMetric({ bins: 10 })
    metric.add(0, false)
    metric.add(1, true)
    expect(metric.value().expectedCalibrationError).toBe(0)
  })

  it('refuses no rows, what is no probability, and no bins', () => {
    expect(refusal(() => calibrationMetric().value())).toMatchObject({ code: 'empty-dataset' })
    for (const wrong of [1.5, -0.5, NaN]) {
      expect(refusal(() => calibrationMetric().add(wrong, true))).toMatchObject({ code: 'invalid-dataset' })
    }
    expect(refusal(() => calibrationMetric({ bins: 0 }))).toMatchObject({ where: 'options.bins' })
  })
})
