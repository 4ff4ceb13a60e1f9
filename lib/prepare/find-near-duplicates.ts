import { NearDuplicateIndex, type NearDuplicate, type NearDuplicateOptions } from './near-duplicate-index.js'

/** Texts that are nearly the same as one that came before. */
export interface NearDuplicateGroup {
  /** The first text of the group, which is no near duplicate of an earlier first text. */
  readonly first: number
  /** The others in order, each with its similarity to the first: at least the threshold. */
  readonly others: readonly NearDuplicate[]
}

export interface NearDuplicates {
  readonly groups: readonly NearDuplicateGroup[]
  /** That a pair just as similar as the threshold is found; pairs that are more similar are found more surely. */
  readonly probability: number
}

/**
 * Groups of texts that share most of their word runs. Every text either begins a group of its own or is as similar as the threshold to
 * the first of its group, so that chains of small changes do not flow together.
 * @throws AttuneError 'invalid-option'
 */
export function findNearDuplicates(texts: readonly string[], options: NearDuplicateOptions = {}): NearDuplicates {
  const index = new NearDuplicateIndex((at) => texts[at] ?? '', options)
  const groups = new Map<number, NearDuplicate[]>()
  texts.forEach((text, at) => {
    const found = index.findOrAdd(text, at)
    if (found === undefined) return
    const other = { index: at, similarity: found.similarity }
    const group = groups.get(found.index)
    if (group === undefined) groups.set(found.index, [other])
    else group.push(other)
  })
  return {
    groups: [...groups].sort(([a], [b]) => a - b).map(([first, others]) => ({ first, others })),
    probability: index.probability,
  }
}
