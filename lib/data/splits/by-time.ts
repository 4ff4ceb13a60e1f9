import { groupsOf, requireGroups, type Group } from './groups.js'
import type { PartSizes, Parts } from './split-options.js'

/**
 * The latest rows are for testing, those before them for validation. A group, which stays whole, is as late as its latest
 * row, so that nothing that is trained on lies after what is tested.
 */
export function splitByTime(
  when: readonly number[],
  groupKeys: readonly string[] | undefined,
  sizes: PartSizes,
): Parts {
  const keys = groupKeys ?? when.map((_, index) => String(index))
  const rows = when.map((_, index) => index)
  const latest = ({ members }: Group): number =>
    members.reduce((most, index) => Math.max(most, when[index] ?? 0), -Infinity)
  const dated = groupsOf(keys, undefined, rows).map((group) => ({ group, at: latest(group) }))
  const left = dated.sort((a, b) => a.at - b.at).map(({ group }) => group)
  requireGroups(left.length, [sizes.validation, sizes.test].filter((size) => size > 0).length + 1)
  const test = lastOf(left, sizes.test, sizes.validation > 0 ? 2 : 1)
  return { test, validation: lastOf(left, sizes.validation, 1) }
}

/** Takes groups off the end, as many as come nearest to that many rows. */
function lastOf(groups: Group[], size: number, keep: number): readonly number[] {
  const taken: number[] = []
  while (size > 0 && groups.length > keep) {
    const next = groups.at(-1)?.members ?? []
    const nearer = Math.abs(taken.length + next.length - size) < Math.abs(taken.length - size)
    if (!nearer && taken.length > 0) break
    taken.push(...next)
    groups.pop()
  }
  return taken
}
