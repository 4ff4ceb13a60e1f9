import { AttuneError } from '../errors.js'
import type { Label, ShapeName, DatasetRow } from './rows.js'

interface LabelledRows {
  readonly rows: readonly DatasetRow[]
  readonly shape: ShapeName | undefined
}

interface Parts<Value> {
  readonly validation: Value
  readonly test: Value
}

/**
 * Draws the parts class by class, in the order given, so that each has its share of every class. The parts have just
 * the sizes asked for; of every class something stays to train on as long as there is enough of it.
 */
export function stratified(
  { rows, shape }: LabelledRows,
  order: readonly number[],
  sizes: Parts<number>,
  by: 'label',
): Parts<readonly number[]> {
  const where = 'options.stratify'
  const named: string = by
  if (named !== 'label') {
    throw new AttuneError('invalid-option', `options.stratify should be 'label', received '${named}'`, { where })
  }
  if (shape !== 'text-label') {
    const message = `options.stratify 'label' needs rows with one label each, these are ${shape ?? 'none'} rows`
    throw new AttuneError('invalid-option', message, { where })
  }
  const classes = new Map<Label, number[]>()
  for (const index of order) {
    const { label } = rows[index] as { readonly label: Label }
    if (typeof label === 'number' && !Number.isInteger(label)) {
      const message = `options.stratify 'label' needs classes, but labels such as ${label} are numbers to predict`
      throw new AttuneError('invalid-option', message, { where })
    }
    const members = classes.get(label)
    if (members === undefined) classes.set(label, [index])
    else members.push(index)
  }
  // By name, so that ties do not depend on the order of the rows.
  const groups = [...classes].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)).map(([, members]) => members)
  const validation = take(groups, sizes.validation)
  return { validation, test: take(groups, sizes.test) }
}

/** Takes `count` indices off the groups: each gives its share, rounded by largest remainder. */
function take(groups: readonly number[][], count: number): number[] {
  const total = groups.reduce((sum, group) => sum + group.length, 0)
  const shares = groups.map((group) => (total === 0 ? 0 : (count * group.length) / total))
  const quotas = shares.map((share, at) => Math.min(Math.floor(share), Math.max((groups[at]?.length ?? 0) - 1, 0)))
  let missing = count - quotas.reduce((sum, quota) => sum + quota, 0)
  // First those that lost most by rounding and keep a row, then any that still have one.
  for (const keep of [1, 0]) {
    while (missing > 0) {
      const room = groups.map((group, at) => group.length - keep - (quotas[at] ?? 0))
      const losses = shares.map((share, at) => ((room[at] ?? 0) > 0 ? share - (quotas[at] ?? 0) : -Infinity))
      const most = Math.max(...losses)
      if (most === -Infinity) break
      const at = losses.indexOf(most)
      quotas[at] = (quotas[at] ?? 0) + 1
      missing--
    }
  }
  return groups.flatMap((group, at) => group.splice(0, quotas[at] ?? 0))
}
