import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { refusal } from '../refusal.js'

interface Entry {
  readonly label: string
  readonly patient: number
  readonly date: string
}

const day = (number: number): string => new Date(Date.UTC(2024, 0, 1 + number)).toISOString().slice(0, 10)

/** Rows with a class, a group and a date each, and the number of the row in `text`. */
const entries = (minLength: number): fc.Arbitrary<readonly Entry[]> =>
  fc.array(
    fc.record({
      label: fc.constantFrom('a', 'b', 'c', 'rare'),
      patient: fc.nat({ max: 12 }),
      date: fc.nat({ max: 400 }).map(day),
    }),
    { minLength, maxLength: 80 },
  )
const seeds = fc.nat({ max: 1000 })
const shares = fc.double({ min: 0.02, max: 0.2, noNaN: true })

const datasetOf = (list: readonly Entry[]): Dataset =>
  Dataset.from(list.map((entry, index) => ({ text: `t${index}`, ...entry })))

const labelsOf = (dataset: Dataset): string[] =>
  dataset.rows.map((row) => ('label' in row && 'text' in row ? String(row.label) : ''))
const countsOf = (dataset: Dataset): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const label of labelsOf(dataset)) counts.set(label, (counts.get(label) ?? 0) + 1)
  return counts
}
const fieldsOf = (dataset: Dataset, name: string): unknown[] =>
  dataset.rows.map((_, index) => dataset.fieldsOf(index)[name])
const numbersOf = (dataset: Dataset): number[] => dataset.origins.map((origin) => Number(origin.slice('row '.length)))

/** Every row stands in just one part, in its order, with what belongs to it. */
function expectParts(dataset: Dataset, parts: readonly Dataset[]): void {
  const numbers = parts.map(numbersOf)
  expect(numbers.flat().sort((a, b) => a - b)).toEqual(numbersOf(dataset))
  parts.forEach((part, at) => {
    expect(numbers[at]).toEqual([...(numbers[at] ?? [])].sort((a, b) => a - b))
    part.rows.forEach((row, index) => {
      const number = numbers[at]?.[index] ?? -1
      expect(row).toBe(dataset.rows[number])
      expect(part.fieldsOf(index)).toBe(dataset.fieldsOf(number))
    })
  })
}

function expectWholeGroups(parts: readonly Dataset[]): void {
  const seen = new Map<unknown, number>()
  parts.forEach((part, at) => {
    for (const patient of fieldsOf(part, 'patient')) {
      expect(seen.get(patient) ?? at).toBe(at)
      seen.set(patient, at)
    }
  })
}

describe('splits', () => {
  test('at random and by class: every row once, the sizes asked for, the same for a seed', () => {
    fc.assert(
      fc.property(entries(10), seeds, shares, shares, fc.boolean(), (list, seed, validation, held, byClass) => {
        const dataset = datasetOf(list)
        const options = { seed, validation, test: held, stratify: byClass ? 'label' : undefined }
        const parts = dataset.split(options)
        expectParts(dataset, [parts.train, parts.validation, parts.test])
        expect(parts.validation.length).toBe(Math.max(1, Math.round(validation * list.length)))
        expect(parts.test.length).toBe(Math.max(1, Math.round(held * list.length)))
        expect(dataset.split(options).test.origins).toEqual(parts.test.origins)
      }),
    )
  })

  test('by class: the share of each class to within a row, and something left to train on', () => {
    fc.assert(
      fc.property(entries(10), seeds, shares, shares, (list, seed, validation, held) => {
        const dataset = datasetOf(list)
        const parts = dataset.split({ seed, validation, test: held, stratify: 'label' })
        for (const part of [parts.validation, parts.test]) {
          const counts = countsOf(part)
          for (const [label, total] of countsOf(dataset)) {
            const share = (total * part.length) / dataset.length
            expect(Math.abs((counts.get(label) ?? 0) - share)).toBeLessThan(1 + 1e-9)
          }
        }
      }),
    )
  })

  test('the order of the rows moves no class from one share to another', () => {
    fc.assert(
      fc.property(entries(10), seeds, (list, seed) => {
        const options = { seed, validation: 0.2, stratify: 'label' }
        const [there, back] = [list, [...list].reverse()].map((some) =>
          countsOf(datasetOf(some).split(options).validation),
        )
        expect(there).toEqual(back)
      }),
    )
  })

  test('by groups: no group in two parts, no part empty, about the size asked for', () => {
    fc.assert(
      fc.property(entries(10), seeds, shares, shares, fc.boolean(), (list, seed, validation, held, byClass) => {
        const dataset = datasetOf(list)
        const sizes = new Map<number, number>()
        for (const { patient } of list) sizes.set(patient, (sizes.get(patient) ?? 0) + 1)
        fc.pre(sizes.size >= 3)
        const options = { seed, validation, test: held, groupBy: 'patient', stratify: byClass ? 'label' : undefined }
        const parts = dataset.split(options)
        const all = [parts.train, parts.validation, parts.test]
        expectParts(dataset, all)
        expectWholeGroups(all)
        for (const part of all) expect(part.length).toBeGreaterThan(0)
        if (byClass) return
        // A part is too large by less than half a group, or it is one group that had no better.
        const wanted = Math.max(1, Math.round(validation * list.length))
        const groups = new Set(fieldsOf(parts.validation, 'patient'))
        const largest = Math.max(...sizes.values())
        expect(parts.validation.length <= wanted + largest / 2 || groups.size === 1).toBe(true)
        expect(dataset.split(options).validation.origins).toEqual(parts.validation.origins)
      }),
    )
  })

  test('by time: what is tested is later than what is validated on, and that later than what is trained on', () => {
    fc.assert(
      fc.property(entries(10), shares, shares, fc.boolean(), (list, validation, held, grouped) => {
        const dataset = datasetOf(list)
        fc.pre(!grouped || new Set(list.map(({ patient }) => patient)).size >= 3)
        const options = { validation, test: held, orderBy: 'date', groupBy: grouped ? 'patient' : undefined }
        const parts = dataset.split(options)
        const all = [parts.train, parts.validation, parts.test]
        expectParts(dataset, all)
        if (grouped) expectWholeGroups(all)
        else expect(parts.test.length).toBe(Math.max(1, Math.round(held * list.length)))
        // A group is as late as its latest row.
        const latest = (part: Dataset): string[] => {
          const dates = fieldsOf(part, 'date') as string[]
          if (!grouped) return [...dates].sort()
          const patients = fieldsOf(part, 'patient')
          const last = new Map<unknown, string>()
          patients.forEach((patient, at) => {
            const date = dates[at] ?? ''
            if (date > (last.get(patient) ?? '')) last.set(patient, date)
          })
          return [...last.values()].sort()
        }
        const [trained, validated, tested] = all.map(latest)
        expect((trained?.at(-1) ?? '') <= (validated?.[0] ?? '')).toBe(true)
        expect((validated?.at(-1) ?? '') <= (tested?.[0] ?? '')).toBe(true)
      }),
    )
  })

  test('times may be numbers, numbers in texts, dates with and without a time', () => {
    const latest = (values: readonly unknown[]): readonly string[] =>
      Dataset.from(values.map((at) => ({ text: 'x', at }))).split({ validation: 1, orderBy: 'at' }).validation.origins
    expect(latest([9, 10, 8])).toEqual(['row 1'])
    expect(latest(['9', '10', '8'])).toEqual(['row 1'])
    expect(latest(['2024-05-01', '2024-05-01T08:00', '2024'])).toEqual(['row 1'])
    expect(latest(['2024-05-01T09:00+02:00', '2024-05-01 08:00', '2024-05-01T06:00Z'])).toEqual(['row 1'])
    expect(latest([new Date(5), new Date(4)])).toEqual(['row 0'])
  })

  const rows = ['a', 'a', 'b'].map((id, index) => ({ text: `t${index}`, id, when: index, list: [1], none: null }))
  test.each<[object, string, string[]]>([
    [{ groupBy: 'patient' }, 'options.groupBy', ["'patient'", 'row 0', 'text, id, when']],
    [{ groupBy: 'none' }, 'options.groupBy', ['row 0 has no value']],
    [{ groupBy: 'list' }, 'options.groupBy', ['row 0 has a list']],
    [{ groupBy: 'id', test: 1 }, 'options.groupBy', ['2 groups', '3 parts']],
    [{ orderBy: 'text' }, 'options.orderBy', ["row 0 has 't0'", 'a date']],
    [{ orderBy: 'when', stratify: 'id' }, 'options.stratify', ['orderBy']],
    [{ stratify: 'label' }, 'options.stratify', ["'label'"]],
  ])('%j is refused', (options, where, parts) => {
    const error = refusal(() => Dataset.from(rows).split({ validation: 1, ...options }))
    expect(error).toMatchObject({ code: 'invalid-option', where })
    for (const part of parts) expect(String(error)).toContain(part)
  })
})

describe('folds', () => {
  test('every row is validated on once, and trained on in all other folds', () => {
    fc.assert(
      fc.property(entries(6), seeds, fc.integer({ min: 2, max: 6 }), fc.boolean(), (list, seed, k, byClass) => {
        const dataset = datasetOf(list)
        const options = { seed, stratify: byClass ? 'label' : undefined }
        const folds = dataset.folds(k, options)
        expect(folds.length).toBe(k)
        for (const { train, validation } of folds) expectParts(dataset, [train, validation])
        expectParts(
          dataset,
          folds.map(({ validation }) => validation),
        )
        const sizes = folds.map(({ validation }) => validation.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(dataset.folds(k, options).map(({ validation }) => validation.origins)).toEqual(
          folds.map(({ validation }) => validation.origins),
        )
        if (!byClass) return
        for (const [label, total] of countsOf(dataset)) {
          for (const { validation } of folds) {
            expect(Math.abs((countsOf(validation).get(label) ?? 0) - total / k)).toBeLessThan(1)
          }
        }
      }),
    )
  })

  test('by groups: whole, and no fold empty', () => {
    fc.assert(
      fc.property(entries(12), seeds, fc.integer({ min: 2, max: 4 }), fc.boolean(), (list, seed, k, byClass) => {
        fc.pre(new Set(list.map(({ patient }) => patient)).size >= k)
        const dataset = datasetOf(list)
        const folds = dataset.folds(k, { seed, groupBy: 'patient', stratify: byClass ? 'label' : undefined })
        const parts = folds.map(({ validation }) => validation)
        expectParts(dataset, parts)
        expectWholeGroups(parts)
        for (const { length } of parts) expect(length).toBeGreaterThan(0)
      }),
    )
  })

  test('groups of one row each are dealt as rows are', () => {
    const list = Array.from({ length: 30 }, (_, index) => ({ text: `t${index}`, label: index % 3, id: index }))
    const folds = Dataset.from(list).folds(5, { groupBy: 'id', stratify: 'label' })
    for (const { validation } of folds) expect(Object.fromEntries(countsOf(validation))).toEqual({ 0: 2, 1: 2, 2: 2 })
  })

  test.each([1, 2.5, 4, NaN])('%d of three rows are refused', (count) => {
    const dataset = Dataset.from([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    expect(refusal(() => dataset.folds(count))).toMatchObject({ code: 'invalid-option', where: 'folds' })
  })
})
