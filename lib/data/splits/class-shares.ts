import type { PartSizes, Parts } from './split-options.js'

/**
 * Draws the parts class by class, in the order given, so that each has its share of every class, to within a row. The
 * parts have just the sizes asked for; of every class something stays to train on as long as there is enough of it.
 */
export function splitByClass(keys: readonly string[], order: readonly number[], sizes: PartSizes): Parts {
  const classes = new Map<string, number[]>()
  for (const index of order) {
    const key = keys[index] ?? ''
    const members = classes.get(key)
    if (members === undefined) classes.set(key, [index])
    else members.push(index)
  }
  // By name, so that ties do not depend on the order of the rows.
  const groups = [...classes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => members)
  const counts = groups.map(({ length }) => length)
  const validation = quotas(counts, counts, sizes.validation)
  const rest = counts.map((count, at) => count - (validation[at] ?? 0))
  const test = quotas(counts, rest, sizes.test)
  return {
    validation: groups.flatMap((members, at) => members.slice(0, validation[at])),
    test: groups.flatMap((members, at) => members.slice(validation[at], (validation[at] ?? 0) + (test[at] ?? 0))),
  }
}

/** How many of each class make `size` rows: the share of its `counts`, rounded by largest remainder, of what is `left`. */
function quotas(counts: readonly number[], left: readonly number[], size: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const shares = counts.map((count) => (total === 0 ? 0 : (size * count) / total))
  const taken = shares.map((share, at) => Math.min(Math.floor(share), left[at] ?? 0))
  let missing = size - taken.reduce((sum, count) => sum + count, 0)
  // First those that lost most by rounding and keep a row to train on, then any that did, then whoever has rows at all.
  for (const { keep, most } of [
    { keep: 1, most: Math.ceil },
    { keep: 0, most: Math.ceil },
    { keep: 0, most: () => Infinity },
  ]) {
    while (missing > 0) {
      const losses = shares.map((share, at) => {
        const count = taken[at] ?? 0
        return count < Math.min((left[at] ?? 0) - keep, most(share)) ? share - count : -Infinity
      })
      const at = losses.reduce((best, loss, index) => (loss > (losses[best] ?? -Infinity) ? index : best), 0)
      if (losses[at] === -Infinity || losses.length === 0) break
      taken[at] = (taken[at] ?? 0) + 1
      missing--
    }
  }
  return taken
}
