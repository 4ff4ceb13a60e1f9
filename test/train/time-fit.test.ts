import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { averageTime, fitTime, paceOf, timeOf } from '../../lib/train/time-fit.js'
import { TimeLeft } from '../../lib/train/time-left.js'

describe('the time of steps', () => {
  it('is found again where it is so much a step and so much an operation', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 1e-12, max: 1e-9, noNaN: true }),
        (a, b) => {
          const measured = [1e9, 2e9, 4e9, 8e9].map((flops) => ({ flops, seconds: a + b * flops }))
          const seconds = timeOf(fitTime(measured), 100, 3e11)
          expect(seconds / (100 * a + b * 3e11)).toBeCloseTo(1, 6)
        },
      ),
    )
  })

  it('is proportional where the steps are alike, or one took longer by chance', () => {
    const alike = [1.0e9, 1.1e9, 1.05e9].map((flops) => ({ flops, seconds: 1 }))
    expect(fitTime(alike).secondsPerStep).toBe(0)
    const steep = [
      { flops: 1e9, seconds: 0.1 },
      { flops: 2e9, seconds: 1 },
      { flops: 4e9, seconds: 4 },
    ]
    expect(fitTime(steep).secondsPerStep).toBe(0)
    expect(timeOf(fitTime([{ flops: 1e9, seconds: 2 }]), 5, 3e9)).toBeCloseTo(6, 9)
  })

  it('is the same for every step where larger ones took no longer', () => {
    const flat = [
      { flops: 1e9, seconds: 3 },
      { flops: 2e9, seconds: 2 },
      { flops: 4e9, seconds: 1 },
    ]
    expect(timeOf(fitTime(flat), 10, 1e12)).toBeCloseTo(20, 9)
  })
})

describe('the time of whole steps', () => {
  it('is their average, wherever the machine was slow', () => {
    const measured = [1, 4, 2, 3].map((size, i) => ({ flops: size * 1e9, seconds: i < 2 ? size : 2 * size }))
    expect(timeOf(averageTime(measured), 7, 1e10)).toBeCloseTo(15, 9)
  })

  it('has the pace of the fastest and the slowest quarter beside it', () => {
    const measured = Array.from({ length: 8 }, (_, i) => ({ flops: 1e9 * (1 + (i % 2)), seconds: (i < 6 ? 1 : 2) * (1 + (i % 2)) })) // prettier-ignore
    const { fastest, slowest } = paceOf(measured, averageTime(measured))
    expect(fastest).toBeCloseTo(0.8, 9)
    expect(slowest).toBeCloseTo(1.6, 9)
    expect(paceOf(measured.slice(4, 7), averageTime(measured))).toEqual({ fastest: 1, slowest: 1 })
  })
})

describe('the time that is left', () => {
  it('comes from the steps so far, but for the first, and from the evaluations', () => {
    const left = new TimeLeft(10, 2)
    expect(left.afterStep(1, 9)).toBe(81)
    expect(left.afterStep(2, 1)).toBe(8)
    left.afterEvaluation(3)
    expect(left.afterStep(5, 1)).toBe(5 + 3)
    expect(left.afterStep(10, 1)).toBe(0)
  })
})
