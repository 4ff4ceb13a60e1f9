import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StepPlan, type StepPlanOptions } from '../../lib/train/step-plan.js'

const usual: StepPlanOptions = {
  epochs: 3,
  maxSteps: undefined,
  batchSize: 4,
  gradientAccumulationSteps: 1,
  warmupSteps: undefined,
  warmupRatio: 0,
  shuffle: true,
  groupByLength: false,
  seed: 7,
}

const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120 })
const options = fc.record({
  epochs: fc.constantFrom(0.5, 1, 2, 2.5, 4),
  gradientAccumulationSteps: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(99),
  by: fc.constantFrom(
    { batchSize: 4 },
    { batchSize: undefined, batchTokens: 70 },
    { batchSize: 3, batchTokens: 100 },
    { batchSize: undefined, batchTokens: 70, groupByLength: true },
    { batchSize: 2, packing: true, maxLength: 64 },
    { batchSize: 1, packing: true },
  ),
})

describe('StepPlan', () => {
  test('every row once in each epoch, and a plan made anew goes on at any step', () => {
    fc.assert(
      fc.property(lengths, options, fc.nat(1000), (rows, { by, ...given }, anywhere) => {
        const settled = { ...usual, ...given, ...by }
        const plan = new StepPlan(rows, settled)
        const steps = Array.from({ length: plan.steps }, (_, step) => step)
        for (let epoch = 0; epoch < Math.floor(settled.epochs); epoch++) {
          const seen = steps.filter((step) => plan.epochOf(step) === epoch).flatMap((step) => plan.microBatches(step))
          expect(seen.flat().sort((a, b) => a - b)).toEqual(rows.map((_, index) => index))
        }
        expect(plan.epochAfter(plan.steps)).toBeGreaterThanOrEqual(settled.epochs)
        expect(plan.epochAfter(plan.steps - 1)).toBeLessThan(settled.epochs)
        for (const step of steps) {
          expect(plan.microBatches(step).length).toBeGreaterThan(0)
          expect(plan.beginsEpoch(step)).toBe(step === 0 || plan.epochOf(step) !== plan.epochOf(step - 1))
          expect(plan.endsEpoch(step + 1)).toBe(step + 1 === plan.steps || plan.beginsEpoch(step + 1))
        }
        const from = anywhere % plan.steps
        expect(new StepPlan(rows, settled).microBatches(from)).toEqual(plan.microBatches(from))
      }),
      { numRuns: 60 },
    )
  })

  test('many steps over few rows', () => {
    const plan = new StepPlan([5, 6, 7], { ...usual, batchSize: undefined, batchTokens: 12, maxSteps: 100 })
    expect(plan.steps).toBe(100)
    expect(plan.epochOf(99)).toBeGreaterThan(30)
  })

  test('rows of a batch of tokens, by hand', () => {
    const plan = new StepPlan([4, 4, 4, 9, 1], {
      ...usual,
      epochs: 1,
      batchSize: undefined,
      batchTokens: 10,
      shuffle: false,
    })
    expect([0, 1, 2].map((step) => plan.microBatches(step))).toEqual([[[0, 1]], [[2]], [[3, 4]]])
    expect(plan).toMatchObject({ steps: 3, stepsPerEpoch: 3 })
  })
})
