import { AttuneError } from '../../errors.js'
import { RandomStream } from '../random.js'
import { classKeys, fieldKeys } from './field-values.js'
import { groupsOf, requireGroups, type Group } from './groups.js'
import type { FoldOptions, SplitRows } from './split-options.js'

/**
 * Parts the rows into `count` folds of (about) the same size: of each its rows, by index.
 * @throws AttuneError 'invalid-option'
 */
export function foldRows(dataset: SplitRows, count: number, options: FoldOptions): number[][] {
  if (!Number.isInteger(count) || count < 2 || count > dataset.length) {
    const message = `folds should be a whole number from 2 to the ${dataset.length} rows there are, received ${count}`
    throw new AttuneError('invalid-option', message, { where: 'folds' })
  }
  const { seed = 0, stratify, groupBy } = options
  const order = new RandomStream('folds', seed).permutation(dataset.length)
  const classes = stratify === undefined ? undefined : classKeys(dataset, stratify, 'options.stratify')
  const folds = Array.from({ length: count }, (): number[] => [])
  if (groupBy === undefined) {
    const dealt = classes === undefined ? order : byClass(order, classes)
    dealt.forEach((index, at) => folds[at % count]?.push(index))
    return folds
  }
  const groups = groupsOf(fieldKeys(dataset, groupBy, 'options.groupBy'), classes, order)
  requireGroups(groups.length, count)
  return dealGroups(groups, folds)
}

/** The rows in the order given, those of a class one after the other: dealt out, each fold gets its share to within a row. */
function byClass(order: readonly number[], classes: readonly string[]): number[] {
  const keyed = order.map((index) => ({ index, key: classes[index] ?? '' }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ index }) => index)
}

/** The largest group first, each to the fold that has least of its classes. */
function dealGroups(groups: readonly Group[], folds: number[][]): number[][] {
  const have = folds.map(() => new Map<string, number>())
  const totals = new Map<string, number>()
  for (const { counts } of groups) for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count)
  const waiting = [...groups].sort((a, b) => b.members.length - a.members.length)
  waiting.forEach(({ members, counts }, at) => {
    const empty = folds.filter(({ length }) => length === 0).length
    const mustFill = waiting.length - at <= empty
    const burden = (fold: number): number => {
      let sum = 0
      for (const [name, count] of counts) sum += (count * (have[fold]?.get(name) ?? 0)) / (totals.get(name) ?? 1)
      return sum
    }
    const lighter = (a: number, b: number): number => {
      const difference = burden(a) - burden(b)
      return difference !== 0 ? difference : (folds[a]?.length ?? 0) - (folds[b]?.length ?? 0)
    }
    const open = [...folds.keys()].filter((fold) => !mustFill || folds[fold]?.length === 0)
    const best = open.reduce((least, fold) => (lighter(fold, least) < 0 ? fold : least))
    folds[best]?.push(...members)
    for (const [name, count] of counts) have[best]?.set(name, (have[best].get(name) ?? 0) + count)
  })
  return folds
}
