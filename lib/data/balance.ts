import { AttuneError } from '../errors.js'
import { RandomStream } from './random.js'
import { classKeys } from './splits/field-values.js'
import type { SplitRows } from './splits/split-options.js'

export interface BalanceOptions {
  /** The field with the class, as 'label'. */
  readonly by: string
  /** 'oversample': rows of small classes are repeated; 'undersample': rows of large classes are left out. */
  readonly strategy: 'oversample' | 'undersample'
  /** Decides which rows are repeated or left out. Default: 0. */
  readonly seed?: number | undefined
  /** The least that a class may have of what the largest has, afterwards. Default: 1, all the same. */
  readonly ratio?: number | undefined
}

/**
 * The rows of a balanced dataset, by index: those that stay in their order, repeated ones after them.
 * @throws AttuneError 'invalid-option'
 */
export function balancedRows(dataset: SplitRows, options: BalanceOptions): number[] {
  const { by, strategy, seed = 0, ratio = 1 } = options
  const known: readonly string[] = ['oversample', 'undersample']
  if (!known.includes(strategy)) {
    const message = `options.strategy should be 'oversample' or 'undersample', received '${strategy}'`
    throw new AttuneError('invalid-option', message, { where: 'options.strategy' })
  }
  if (!(ratio > 0 && ratio <= 1)) {
    const message = `options.ratio should be above 0 and at most 1, received ${ratio}`
    throw new AttuneError('invalid-option', message, { where: 'options.ratio' })
  }
  const classes = new Map<string, number[]>()
  classKeys(dataset, by, 'options.by').forEach((key, index) => {
    const members = classes.get(key)
    if (members === undefined) classes.set(key, [index])
    else members.push(index)
  })
  const counts = [...classes.values()].map(({ length }) => length)
  // By name, so that what is drawn does not depend on which class comes first.
  const groups = [...classes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => members)
  const random = new RandomStream('balance', seed)
  if (strategy === 'undersample') {
    const most = Math.floor(counts.reduce((least, count) => Math.min(least, count), Infinity) / ratio)
    return groups.flatMap((members) => drawn(members, Math.min(most, members.length), random)).sort((a, b) => a - b)
  }
  const least = Math.ceil(ratio * counts.reduce((most, count) => Math.max(most, count), 0))
  const repeated = groups.flatMap((members) => {
    const missing = Math.max(0, least - members.length)
    const whole = Array.from({ length: Math.floor(missing / members.length) }, () => members)
    return [...whole.flat(), ...drawn(members, missing % members.length, random)]
  })
  return [...Array.from({ length: dataset.length }, (_, index) => index), ...repeated]
}

/** So many of the members, in their order. */
function drawn(members: readonly number[], count: number, random: RandomStream): number[] {
  if (count === members.length) return [...members]
  const places = random.permutation(members.length).slice(0, count)
  return places.sort((a, b) => a - b).map((at) => members[at] ?? 0)
}
