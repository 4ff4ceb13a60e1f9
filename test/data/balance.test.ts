import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { refusal } from '../refusal.js'

const labels = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 80 })
const seeds = fc.nat({ max: 1000 })
const datasetOf = (list: readonly string[]): Dataset =>
  Dataset.from(list.map((label, index) => ({ text: `t${index}`, label })))

const countsOf = (dataset: Dataset): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const row of dataset.rows) {
    const label = 'label' in row ? String(row.label) : ''
    counts[label] = (counts[label] ?? 0) + 1
  }
  return counts
}

describe('balance', () => {
  test('oversampling: every row stays, small classes grow to their share of the largest, evenly', () => {
    fc.assert(
      fc.property(labels, seeds, fc.constantFrom(1, 0.5, 0.3), (list, seed, ratio) => {
        const dataset = datasetOf(list)
        const balanced = dataset.balance({ by: 'label', strategy: 'oversample', seed, ratio })
        const before = countsOf(dataset)
        const least = Math.ceil(ratio * Math.max(...Object.values(before)))
        const wanted = Object.entries(before).map(([label, count]) => [label, Math.max(count, least)])
        expect(countsOf(balanced)).toEqual(Object.fromEntries(wanted))
        expect(balanced.rows.slice(0, dataset.length)).toEqual(dataset.rows)
        // No row of a class is repeated twice more than another.
        const times = new Map<string, number>()
        for (const origin of balanced.origins) times.set(origin, (times.get(origin) ?? 0) + 1)
        for (const label of Object.keys(before)) {
          const own = list.flatMap((other, index) => (other === label ? [times.get(`row ${index}`) ?? 0] : []))
          expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1)
        }
        expect(dataset.balance({ by: 'label', strategy: 'oversample', seed, ratio }).origins).toEqual(balanced.origins)
      }),
    )
  })

  test('undersampling: no row twice, in their order, large classes shrink to what the smallest allows', () => {
    fc.assert(
      fc.property(labels, seeds, fc.constantFrom(1, 0.5, 0.3), (list, seed, ratio) => {
        const dataset = datasetOf(list)
        const balanced = dataset.balance({ by: 'label', strategy: 'undersample', seed, ratio })
        const before = countsOf(dataset)
        const most = Math.floor(Math.min(...Object.values(before)) / ratio)
        const wanted = Object.entries(before).map(([label, count]) => [label, Math.min(count, most)])
        expect(countsOf(balanced)).toEqual(Object.fromEntries(wanted))
        const numbers = balanced.origins.map((origin) => Number(origin.slice(4)))
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
      }),
    )
  })

  test.each<[object, string]>([
    [{ strategy: 'both' }, 'options.strategy'],
    [{ ratio: 0 }, 'options.ratio'],
    [{ ratio: 1.5 }, 'options.ratio'],
    [{ by: 'class' }, 'options.by'],
  ])('%j is refused', (options, where) => {
    const balancing = { by: 'label', strategy: 'oversample' as const, ...options }
    expect(refusal(() => datasetOf(['a', 'b']).balance(balancing))).toMatchObject({ code: 'invalid-option', where })
  })
})

describe('augment', () => {
  test('changed rows follow the others, the same for a seed, with the origin and fields of theirs', () => {
    const rows = [
      { text: 'a b c', label: 'x', id: 1 },
      { text: 'd e f', label: 'y', id: 2 },
    ]
    const dataset = Dataset.from(rows)
    const augment = (seed: number): Dataset =>
      dataset.augment(
        (row, random) => {
          if (!('label' in row && 'text' in row)) return undefined
          const words = row.text.split(' ')
          words.splice(random.nextBelow(words.length), 1)
          return { text: `${words.join(' ')} ${random.pick(['!', '?'])} ${random.nextUnit()}`, label: row.label }
        },
        { times: 2, seed },
      )
    const augmented = augment(3)
    expect(augmented.length).toBe(6)
    expect(augmented.rows.slice(0, 2)).toEqual(dataset.rows)
    expect(countsOf(augmented)).toEqual({ x: 3, y: 3 })
    expect(augmented.origins.slice(2)).toEqual([
      'row 0 (changed 1)',
      'row 0 (changed 2)',
      'row 1 (changed 1)',
      'row 1 (changed 2)',
    ])
    expect(augmented.fieldsOf(4)).toEqual({ id: 2 })
    expect(augment(3).rows).toEqual(augmented.rows)
    expect(augment(4).rows).not.toEqual(augmented.rows)
    expect(new Set(augmented.rows.map((row) => JSON.stringify(row))).size).toBe(6)
  })

  test('what a row draws depends on no other row', () => {
    const drawn = (length: number): readonly unknown[] => {
      const dataset = Dataset.from(Array.from({ length }, () => ({ text: 'x' })))
      return dataset.augment((_, random) => ({ text: String(random.nextUint32()) })).rows.slice(length)
    }
    expect(drawn(5).slice(0, 3)).toEqual(drawn(3))
  })

  test('none, several, another shape, a wrong number of times', () => {
    const dataset = Dataset.from([{ text: 'a' }, { text: 'b' }])
    expect(dataset.augment(() => undefined).rows).toEqual(dataset.rows)
    expect(dataset.augment((row) => [row as { text: string }, { text: 'c' }]).length).toBe(6)
    expect(refusal(() => dataset.augment(() => ({ prompt: 'a', completion: 'b' })))).toMatchObject({
      code: 'invalid-dataset',
      where: 'row 0 (changed)',
    })
    expect(refusal(() => dataset.augment((row) => row, { times: 0 }))).toMatchObject({
      where: 'options.times',
    })
  })
})
