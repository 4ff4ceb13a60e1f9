import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copiesFor, estimateRun, summarize } from '../../../bench/cuda/estimate.js'

describe('the time of one run', () => {
  test('is what the longer program takes more, by run, whatever both take besides', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 2, max: 200 }),
        (once, overheads, copies) => {
          const few = overheads.map((overhead) => overhead + once)
          const many = overheads.map((overhead) => overhead + copies * once)
          const estimate = estimateRun({ few, many, copies: { few: 1, many: copies } })
          expect(estimate?.rounds).toBe(overheads.length)
          // Sums of up to 210 seconds differ by their last bits.
          expect(Math.abs(estimate!.seconds - once)).toBeLessThan(1e-12)
        },
      ),
    )
  })

  test('is the median over rounds, with the quarters beside it', () => {
    const estimate = estimateRun({ few: [1, 1, 1, 1, 1], many: [4, 3, 5, 3.5, 30], copies: { few: 1, many: 2 } })
    expect(estimate).toEqual({ seconds: 3, low: 2.5, high: 4, rounds: 5 })
  })

  test('is nothing where the rounds do not agree on its sign', () => {
    expect(estimateRun({ few: [1, 2, 1], many: [2, 1, 1.01], copies: { few: 1, many: 3 } })).toBeUndefined()
    expect(summarize([])).toBeUndefined()
    expect(summarize([NaN, 1])).toBeUndefined()
  })

  test('needs pairs, and more runs in the longer program', () => {
    expect(() => estimateRun({ few: [], many: [], copies: { few: 1, many: 2 } })).toThrow(/not 0 and 0/)
    expect(() => estimateRun({ few: [1], many: [1, 2], copies: { few: 1, many: 2 } })).toThrow(/not 1 and 2/)
    expect(() => estimateRun({ few: [1], many: [1], copies: { few: 2, many: 2 } })).toThrow(/more than 2 runs, not 2/)
  })
})

describe('how many runs', () => {
  const free = { outputBytes: 0, freeBytes: 0 }

  test('as take 20 ms, at least two', () => {
    expect(copiesFor(1e-3, free)).toBe(20)
    expect(copiesFor(1, free)).toBe(2)
    expect(copiesFor(0, free)).toBe(512)
  })

  test('as have room', () => {
    expect(copiesFor(1e-3, { outputBytes: 100, freeBytes: 1050 })).toBe(10)
    expect(copiesFor(1e-3, { outputBytes: 100, freeBytes: 50 })).toBe(2)
  })
})
