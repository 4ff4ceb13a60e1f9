import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { batches, type BatchOptions } from '../../lib/data/batches.js'
import { packBestFit } from '../../lib/data/packing.js'

const lengths = Array.from({ length: 103 }, (_, index) => 1 + ((index * 37) % 41))
const tokensOf = (batch: readonly number[], of: readonly number[] = lengths): number =>
  batch.reduce((sum, index) => sum + (of[index] ?? 0), 0)
const ascending = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b)

const someLengths = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 300 })
const someOptions = fc.record(
  {
    batchSize: fc.integer({ min: 1, max: 20 }),
    maxTokens: fc.integer({ min: 90, max: 400 }),
    binTokens: fc.integer({ min: 1, max: 200 }),
    shuffle: fc.boolean(),
    groupByLength: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1000 }),
    epoch: fc.integer({ min: 0, max: 9 }),
  },
  { requiredKeys: [] },
)

describe('batches', () => {
  test('every example once, never over the limits, the same each time, resumed anywhere', () => {
    fc.assert(
      fc.property(someLengths, someOptions, fc.nat(60), (of, options, startBatch) => {
        const result = batches(of, options)
        expect(ascending(result.flat())).toEqual(of.map((_, index) => index))
        const { batchSize = options.binTokens === undefined ? Infinity : 1, maxTokens = Infinity, binTokens } = options
        for (const batch of result) {
          expect(batch.length).toBeGreaterThan(0)
          if (binTokens === undefined) {
            expect(batch.length).toBeLessThanOrEqual(batchSize)
            expect(tokensOf(batch, of)).toBeLessThanOrEqual(maxTokens)
          } else {
            // A text that is longer than a bin has one for itself.
            const long = batch.filter((index) => (of[index] ?? 0) > binTokens)
            expect(long.length).toBeLessThanOrEqual(batchSize)
            const others = batch.filter((index) => (of[index] ?? 0) <= binTokens)
            expect(tokensOf(others, of)).toBeLessThanOrEqual(binTokens * (batchSize - long.length))
          }
        }
        expect(batches(of, options)).toEqual(result)
        expect(batches(of, { ...options, startBatch })).toEqual(result.slice(startBatch))
      }),
    )
  })

  test('the order depends on seed and epoch only', () => {
    const order = (seed: number, epoch: number): number[] => batches(lengths, { batchSize: 8, seed, epoch }).flat()
    expect(order(1, 0)).toEqual(order(1, 0))
    expect(order(1, 0)).not.toEqual(order(1, 1))
    expect(order(1, 0)).not.toEqual(order(2, 0))
    expect(batches(lengths, { batchSize: 5, seed: 1 }).flat(), 'not on the batch size').toEqual(order(1, 0))
    expect(batches(lengths, { batchSize: 8, shuffle: false }).flat()).toEqual(lengths.map((_, index) => index))
  })

  test('groups hold examples of like length, and still come in random order', () => {
    const spread = (options: BatchOptions): number => {
      const all = batches(lengths, options).map((batch) => batch.map((index) => lengths[index] ?? 0))
      return all.reduce((sum, batch) => sum + Math.max(...batch) - Math.min(...batch), 0) / all.length
    }
    expect(spread({ batchSize: 8, groupByLength: true })).toBeLessThan(spread({ batchSize: 8 }) / 5)
    expect(spread({ maxTokens: 160, groupByLength: true })).toBeLessThan(spread({ maxTokens: 160 }) / 3)
    const first = batches(lengths, { batchSize: 8, groupByLength: true }).map((batch) => lengths[batch[0] ?? 0] ?? 0)
    expect(first).not.toEqual([...first].sort((a, b) => b - a))
  })

  test('a short last batch is kept or dropped', () => {
    expect(batches(lengths, { batchSize: 8 }).length).toBe(13)
    expect(batches(lengths, { batchSize: 8, dropLast: true }).length).toBe(12)
    expect(batches([], { batchSize: 8 })).toEqual([])
    expect(batches([], { binTokens: 8 })).toEqual([])
  })

  test('wrong options are named', () => {
    for (const options of [{ batchSize: 0 }, { batchSize: 1.5 }, { batchSize: 8, maxTokens: 0 }, { binTokens: 0 }]) {
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

describe('packing', () => {
  test('the longest first, each where the least room is left', () => {
    //              0  1  2  3  4  5  6
    const of = [5, 3, 8, 2, 6, 4, 11]
    // 8, 6 and 5 open bins; 4 goes beside 6, 3 beside 5, and 2 fills that one up; 11 is too long for any.
    const indices = of.map((_, index) => index)
    expect(packBestFit(indices, of, 10)).toEqual([[6], [2], [4, 5], [0, 1, 3]])
  })

  test('agrees with looking through all bins', () => {
    const plain = (indices: readonly number[], of: readonly number[], capacity: number): number[][] => {
      const bins: number[][] = []
      for (const index of [...indices].sort((a, b) => (of[b] ?? 0) - (of[a] ?? 0))) {
        const rooms = bins.map((bin) => capacity - tokensOf(bin, of))
        const fitting = rooms.filter((room) => room >= (of[index] ?? 0))
        // Of several with as much room the one that came to it last.
        const least = Math.min(...fitting)
        if (fitting.length === 0) bins.push([index])
        else bins[rooms.findIndex((room) => room === least)]?.push(index)
      }
      return bins
    }
    fc.assert(
      fc.property(someLengths, fc.integer({ min: 1, max: 130 }), (of, capacity) => {
        const indices = of.map((_, index) => index)
        const fill = (bins: readonly number[][]): number[] => ascending(bins.map((bin) => tokensOf(bin, of)))
        expect(fill(packBestFit(indices, of, capacity))).toEqual(fill(plain(indices, of, capacity)))
      }),
    )
  })

  test('bins are nearly full, epochs differ, and none is always last', () => {
    const many = Array.from({ length: 4000 }, (_, index) => 20 + ((index * 7919) % 480))
    const epochs = [0, 1, 2].map((epoch) => batches(many, { binTokens: 1024, epoch }))
    const least = Math.ceil(
      tokensOf(
        many.map((_, index) => index),
        many,
      ) / 1024,
    )
    for (const bins of epochs) expect(bins.length).toBeLessThanOrEqual(Math.ceil(least * 1.03))
    const together = (bins: readonly number[][]): Set<string> => new Set(bins.map((bin) => ascending(bin).join()))
    const [first, second] = epochs.map(together)
    const same = [...(first ?? [])].filter((bin) => second?.has(bin) === true)
    expect(same.length).toBeLessThan(least / 10)
  })
})
