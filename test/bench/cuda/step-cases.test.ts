import { describe, expect, test } from 'vitest'
import { batchOf, fittingRows, readStepCases, smallCase, tokensOf } from '../../../bench/cuda/step-cases.js'
import { stepCosts } from '../../../bench/cuda/step-costs.js'

const cases = readStepCases()

describe('rows that fit', () => {
  const bytesOf = (rows: number): number => 100 + 10 * rows

  test('are all, or a half, a quarter, an eighth', () => {
    expect(fittingRows(32, bytesOf, Infinity)).toBe(32)
    expect(fittingRows(32, bytesOf, 420)).toBe(32)
    expect(fittingRows(32, bytesOf, 419)).toBe(16)
    expect(fittingRows(5, bytesOf, 125)).toBe(2)
  })

  test('are one where nothing fits', () => {
    expect(fittingRows(32, bytesOf, 50)).toBe(1)
  })
})

describe('what a step does', () => {
  test.each(Object.entries(cases))('%s: the matrix products that its parameters say', (_, step) => {
    const { costs, trained, parameters, memory } = stepCosts(step, 'bf16')
    const products = costs.reduce((sum, cost) => sum + cost.products, 0)
    // Two operations a weight and token forward, as many for the input's gradient, and for the weight's where it is trained.
    const passes = step.adapter === undefined ? 6 : 4
    const tables = ['n_positions', 'max_position_embeddings'].map((key) => Number(step.config[key] ?? 0))
    expect(products).toBeLessThan(passes * (parameters + tables[0]!) * tokensOf(step) * 1.05)
    // T5's encoder does not see the target's tokens nor the decoder the source's, and BERT's table of tokens is no product.
    expect(products).toBeGreaterThan(0.3 * passes * parameters * tokensOf(step))
    expect(trained).toBeLessThanOrEqual(parameters)
    // Weights and gradients, moments and masters of what is trained.
    expect(memory).toBeGreaterThan(2 * parameters + 16 * trained)
  })

  test('small cases train the same kinds of kernels', () => {
    for (const step of Object.values(cases)) {
      const kinds = (of: typeof step) => new Set(stepCosts(of, 'bf16').costs.map(({ op }) => op))
      expect(kinds(smallCase(step))).toEqual(kinds(step))
      expect(tokensOf(smallCase(step))).toBeLessThan(30)
    }
  })
})

test('batches have every row labelled, below the vocabulary', () => {
  const step = smallCase(cases['t5-base-full']!)
  const { inputIds, labels } = batchOf(step, 'seq2seq-lm')
  expect(inputIds.map((row) => row.length)).toEqual([8, 8])
  expect(labels.map((row) => (typeof row === 'number' ? 1 : row.length))).toEqual([4, 4])
  expect(Math.max(...inputIds.flatMap((row) => [...row]))).toBeLessThan(96)
  expect(batchOf(step, 'sequence-classification').labels).toEqual([0, 1])
})
