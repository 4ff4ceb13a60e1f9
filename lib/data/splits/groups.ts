import { AttuneError } from '../../errors.js'
import type { PartSizes, Parts } from './split-options.js'

/** Rows that stay together. */
export interface Group {
  readonly members: readonly number[]
  /** How many of them are of each class; all of one where classes do not matter. */
  readonly counts: ReadonlyMap<string, number>
}

/** The groups in the order in which their first rows are drawn. */
export function groupsOf(
  keys: readonly string[],
  classes: readonly string[] | undefined,
  order: readonly number[],
): Group[] {
  const members = new Map<string, number[]>()
  for (const index of order) {
    const key = keys[index] ?? ''
    const group = members.get(key)
    if (group === undefined) members.set(key, [index])
    else group.push(index)
  }
  return [...members.values()].map((group) => {
    const counts = new Map<string, number>()
    for (const index of group) {
      const name = classes?.[index] ?? ''
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return { members: group, counts }
  })
}

/** @throws AttuneError 'invalid-option' where there are fewer groups than parts */
export function requireGroups(count: number, parts: number): void {
  if (count >= parts) return
  const message = `options.groupBy makes ${count} group${count === 1 ? '' : 's'} of the rows, too few for ${parts} parts`
  throw new AttuneError('invalid-option', message, { where: 'options.groupBy' })
}

/** Draws whole groups: each part comes as close to its size, and to its share of every class, as they allow. */
export function splitGroups(groups: readonly Group[], sizes: PartSizes): Parts {
  const wanted = [sizes.validation, sizes.test].filter((size) => size > 0).length
  requireGroups(groups.length, wanted + 1)
  const totals = new Map<string, number>()
  for (const { counts } of groups) for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count)
  const rows = groups.reduce((sum, { members }) => sum + members.length, 0)
  let left = [...groups]
  const draw = (size: number, keep: number): readonly number[] => {
    if (size === 0) return []
    const targets = new Map([...totals].map(([name, total]) => [name, (size * total) / rows]))
    const chosen = drawGroups(left, targets, keep)
    left = left.filter((group) => !chosen.has(group))
    return [...chosen].flatMap(({ members }) => members)
  }
  const validation = draw(sizes.validation, sizes.test > 0 ? 2 : 1)
  return { validation, test: draw(sizes.test, 1) }
}

/**
 * The groups, in their order, of which each brings the counts nearer to the targets (by squares). One that does not will not
 * do so later either, as the counts only grow, so that one pass is enough.
 */
function drawGroups(groups: readonly Group[], targets: ReadonlyMap<string, number>, keep: number): Set<Group> {
  const have = new Map<string, number>()
  const change = ({ counts }: Group): number => {
    let sum = 0
    for (const [name, count] of counts) sum += count * (2 * ((have.get(name) ?? 0) - (targets.get(name) ?? 0)) + count)
    return sum
  }
  const chosen = new Set<Group>()
  const take = (group: Group): void => {
    chosen.add(group)
    for (const [name, count] of group.counts) have.set(name, (have.get(name) ?? 0) + count)
  }
  for (const group of groups) if (groups.length - chosen.size > keep && change(group) < 0) take(group)
  // All groups are too large: the least bad one.
  const [first, ...others] = groups
  if (chosen.size === 0 && first !== undefined)
    take(others.reduce((best, group) => (change(group) < change(best) ? group : best), first))
  return chosen
}
