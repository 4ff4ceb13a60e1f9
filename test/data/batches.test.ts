import { describe, expect, test } from 'vitest'

import { batches, type BatchOptions } from '../../lib/data/batches.js'

const lengths = Array.from({ length: 103 }, (_, index) => 1 + ((index * 37) % 41))
const tokens = (batch: readonly number[]): number => batch.reduce((sum, index) => sum + (lengths[index] ?? 0), 0)

describe('batches', () => {
  const everyOption: BatchOptions[] = [
    { batchSize: 8 },
    { batchSize: 8, shuffle: false },
    { batchSize: 8, groupByLength: true },
    { batchSize: 1 },
    { batchSize: 500 },
    { batchSize: 8, maxTokens: 64 },
    { batchSize: 8, maxTokens: 64, groupByLength: true },
  ]
  test.each(everyOption)('%o: every example once, never over the limits', (options) => {
    const result = batches(lengths, options)
    expect(result.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index))
    for (const batch of result) {
      expect(batch.length).toBeGreaterThan(0)
      expect(batch.length).toBeLessThanOrEqual(options.batchSize)
      expect(tokens(batch)).toBeLessThanOrEqual(options.maxTokens ?? Infinity)
    }
  })

  test('the order depends on seed and epoch only', () => {
    const order = (seed: number, epoch: number): number[] => batches(lengths, { batchSize: 8, seed, epoch }).flat()
    expect(order(1, 0)).toEqual(order(1, 0))
    expect(order(1, 0)).not.toEqual(order(1, 1))
    expect(order(1, 0)).not.toEqual(order(2, 0))
    expect(batches(lengths, { batchSize: 5, seed: 1 }).flat(), 'not on the batch size').toEqual(order(1, 0))
    expect(batches(lengths, { batchSize: 8, shuffle: false }).flat()).toEqual(lengths.map((_, index) => index))
  })

  test('a run goes on where it stopped', () => {
    for (const groupByLength of [false, true]) {
      const options = { batchSize: 8, seed: 3, epoch: 2, groupByLength }
      expect(batches(lengths, { ...options, startBatch: 5 })).toEqual(batches(lengths, options).slice(5))
    }
    expect(batches(lengths, { batchSize: 8, startBatch: 99 })).toEqual([])
  })

  test('groups hold examples of like length, and still come in random order', () => {
    const spread = (groupByLength: boolean): number => {
      const all = batches(lengths, { batchSize: 8, groupByLength }).map((batch) =>
        batch.map((index) => lengths[index] ?? 0),
      )
      return all.reduce((sum, batch) => sum + Math.max(...batch) - Math.min(...batch), 0) / all.length
    }
    expect(spread(true)).toBeLessThan(spread(false) / 5)
    const first = batches(lengths, { batchSize: 8, groupByLength: true }).map((batch) => lengths[batch[0] ?? 0] ?? 0)
    expect(first).not.toEqual([...first].sort((a, b) => b - a))
  })

  test('a short last batch is kept or dropped', () => {
    expect(batches(lengths, { batchSize: 8 }).length).toBe(13)
    expect(batches(lengths, { batchSize: 8, dropLast: true }).length).toBe(12)
    expect(batches([], { batchSize: 8 })).toEqual([])
  })

  test('wrong options are named', () => {
    for (const options of [{ batchSize: 0 }, { batchSize: 1.5 }, { batchSize: 8, maxTokens: 0 }]) {
      expect(() => batches(lengths, options)).toThrow(expect.objectContaining({ code: 'invalid-option' }) as Error)
    }
    expect(() => batches(lengths, { batchSize: 8, seed: -1 })).toThrow(
      expect.objectContaining({ where: 'options.seed' }) as Error,
    )
    expect(() => batches(lengths, { batchSize: 8, maxTokens: 40 })).toThrow(
      expect.objectContaining({ code: 'sequence-too-long', where: 'options.maxTokens' }) as Error,
    )
  })
})
