/** What an inspection is made of, by itself. */
import { describe, expect, it } from 'vitest'
import { bar } from '../../lib/cli/bar.js'
import { hostedSettings } from '../../lib/inspect/hosted-settings.js'
import { LengthCounter } from '../../lib/inspect/length-counter.js'
import { OriginList } from '../../lib/inspect/origin-list.js'
import { textHash } from '../../lib/inspect/text-hash.js'

describe('lengths', () => {
  it('have the quantiles of the sorted list, between two in proportion', () => {
    const counter = new LengthCounter()
    for (const length of [10, 20, 30, 40]) counter.add(length)
    const summary = counter.summary()
    expect(summary).toMatchObject({ count: 4, total: 100, mean: 25, min: 10, median: 25, max: 40 })
    expect(summary?.p95).toBeCloseTo(38.5)
    expect(counter.totalUpTo(25)).toBe(10 + 20 + 25 + 25)
    expect(new LengthCounter().summary()).toBeUndefined()
  })

  it.each([
    [[7]],
    [[1, 2, 3]],
    [[0, 1000]],
    [[5, 5, 5, 6, 900_000]],
    [Array.from({ length: 500 }, (_, i) => (i * i) % 997)],
  ])('are each in one bin of the histogram: %#', (lengths) => {
    const counter = new LengthCounter()
    for (const length of lengths) counter.add(length)
    const bins = counter.summary()?.histogram ?? []
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(lengths.length)
    expect(bins.length).toBeLessThan(32)
    for (const [at, bin] of bins.entries()) {
      expect(bin.count).toBe(lengths.filter((length) => length >= bin.from && length < bin.to).length)
      if (at > 0) expect(bin.from).toBe(bins[at - 1]?.to)
    }
  })
})

describe("the hosted service's 'auto'", () => {
  it.each([
    [1, 25, 1, 0.05],
    [10, 10, 1, 0.05],
    [33, 3, 1, 0.05],
    [34, 3, 1, 0.05],
    [1000, 3, 2, 0.05],
    [8333, 3, 17, 0.1],
    [8334, 2, 17, 0.1],
    [30_000, 1, 60, 0.1],
    [200_000, 1, 256, 0.2],
  ])('of %i examples', (examples, epochs, batchSize, learningRateMultiplier) => {
    expect(hostedSettings(examples)).toEqual({ epochs, batchSize, learningRateMultiplier })
  })
})

describe('origins', () => {
  it('come back as they went in', () => {
    const list = new OriginList()
    const origins = [
      'a.jsonl:1',
      'b[0]',
      'c.parquet row 17',
      'row 0',
      'no number',
      '',
      '2024-01-02.csv:0012',
      'x:12345678901234',
      'data[3][4]',
    ]
    const more = Array.from({ length: 3000 }, (_, i) => `big.jsonl:${i}`)
    for (const [index, origin] of [...origins, ...more].entries()) expect(list.add(origin)).toBe(index)
    expect(origins.map((_, index) => list.at(index))).toEqual(origins)
    expect(more.map((_, index) => list.at(origins.length + index))).toEqual(more)
  })
})

describe('hashes', () => {
  it('tell texts apart and are whole numbers', () => {
    const hashes = Array.from({ length: 20_000 }, (_, i) => textHash(`text ${i}`))
    expect(new Set(hashes).size).toBe(20_000)
    expect(hashes.every(Number.isSafeInteger)).toBe(true)
    expect(textHash('text 7')).toBe(hashes[7])
  })
})

describe('bars', () => {
  it.each([
    [0, ''],
    [0.001, '▏'],
    [0.5, '██'],
    [0.53, '██▏'],
    [1, '████'],
  ])('of %f', (share, drawn) => {
    expect(bar(share, 4)).toBe(drawn)
  })
})
