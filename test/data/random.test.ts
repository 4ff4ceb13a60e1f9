import { describe, expect, test } from 'vitest'

import { RandomStream } from '../../lib/data/random.js'

describe('RandomStream', () => {
  test('the numbers are fixed: a change would move every split and every order', () => {
    // From a second implementation, in Python's whole numbers.
    const stream = new RandomStream('split', 7)
    expect(Array.from({ length: 4 }, () => stream.nextUint32())).toEqual([2574749907, 1851618259, 205407695, 486543344])
    expect(new RandomStream('order', 0, 0).permutation(8)).toEqual([3, 0, 2, 5, 6, 7, 1, 4])
  })

  test('same seed, same numbers; another name, seed or epoch, others', () => {
    const draw = (name: string, ...numbers: number[]): string => {
      const stream = new RandomStream(name, ...numbers)
      return Array.from({ length: 4 }, () => stream.nextUint32()).join()
    }
    expect(draw('split', 7)).toBe(draw('split', 7))
    const all = [draw('split', 7), draw('order', 7), draw('split', 8), draw('split', 7, 0), draw('split', 7, 1)]
    all.push(draw('split', 7 + 2 ** 32), draw('split', 0), draw('tilps', 7))
    expect(new Set(all).size).toBe(all.length)
  })

  test.each([-1, 0.5, NaN, 2 ** 53])('%d is no seed', (seed) => {
    expect(() => new RandomStream('split', seed)).toThrow(
      expect.objectContaining({ code: 'invalid-option', where: 'options.seed' }) as Error,
    )
  })

  test('numbers below a bound are evenly spread (chi-squared)', () => {
    for (const bound of [2, 7, 10]) {
      const stream = new RandomStream('test', bound)
      const draws = 20_000
      const counts = new Array<number>(bound).fill(0)
      for (let i = 0; i < draws; i++) {
        const value = stream.nextBelow(bound)
        counts[value] = (counts[value] ?? 0) + 1
      }
      const expected = draws / bound
      const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      // 99.9th percentile for up to 9 degrees of freedom.
      expect(chiSquared).toBeLessThan(27.9)
    }
  })

  test('a permutation holds every number once, at every place', () => {
    const places = Array.from({ length: 5 }, () => new Set<number>())
    for (let seed = 0; seed < 200; seed++) {
      const order = new RandomStream('test', seed).permutation(5)
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4])
      order.forEach((value, place) => places[place]?.add(value))
    }
    expect(places.map((values) => values.size)).toEqual([5, 5, 5, 5, 5])
    expect(new RandomStream('test', 0).permutation(0)).toEqual([])
  })
})
