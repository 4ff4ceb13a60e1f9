import { AttuneError } from '../../errors.js'
import { RandomStream } from '../random.js'
import { splitByTime } from './by-time.js'
import { splitByClass } from './class-shares.js'
import { classKeys, fieldKeys, times } from './field-values.js'
import { groupsOf, splitGroups } from './groups.js'
import { partSizes, type PartSizes, type Parts, type SplitOptions, type SplitRows } from './split-options.js'

/**
 * Which rows are for training, validation and testing, by index, in their order.
 * @throws AttuneError 'invalid-option'
 */
export function splitRows(dataset: SplitRows, options: SplitOptions): Parts & { readonly train: readonly number[] } {
  const sizes = partSizes(options, dataset.length)
  const { validation, test } = partsOf(dataset, options, sizes)
  const taken = new Set([...validation, ...test])
  return {
    validation: [...validation].sort(ascending),
    test: [...test].sort(ascending),
    train: Array.from({ length: dataset.length }, (_, index) => index).filter((index) => !taken.has(index)),
  }
}

function partsOf(dataset: SplitRows, options: SplitOptions, sizes: PartSizes): Parts {
  const { seed = 0, stratify, groupBy, orderBy } = options
  // Drawn first, so that a wrong seed is told whatever else is asked for.
  const order = new RandomStream('split', seed).permutation(dataset.length)
  const groups = groupBy === undefined ? undefined : fieldKeys(dataset, groupBy, 'options.groupBy')
  if (orderBy !== undefined) {
    if (stratify !== undefined) {
      const message = 'options.orderBy parts the rows by time alone: leave out options.stratify'
      throw new AttuneError('invalid-option', message, { where: 'options.stratify' })
    }
    return splitByTime(times(dataset, orderBy, 'options.orderBy'), groups, sizes)
  }
  const classes = stratify === undefined ? undefined : classKeys(dataset, stratify, 'options.stratify')
  if (groups !== undefined) return splitGroups(groupsOf(groups, classes, order), sizes)
  if (classes !== undefined) return splitByClass(classes, order, sizes)
  const { validation, test } = sizes
  return { validation: order.slice(0, validation), test: order.slice(validation, validation + test) }
}

export function ascending(a: number, b: number): number {
  return a - b
}
