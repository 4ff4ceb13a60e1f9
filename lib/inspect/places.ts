import type { RowReason } from '../errors.js'
import type { Finding, FindingPlace } from './finding.js'

const placesKept = 10
const reasonsTold = 10
// Reasons that hold for one row each must not keep out one that holds for thousands.
const reasonsKept = 100

interface Reason {
  readonly what: string
  readonly origins: string[]
  count: number
}

/** Counts the rows of a finding and what is true of them, and keeps the first few of each. */
export class Places {
  readonly #kept: FindingPlace[] = []
  readonly #reasons = new Map<string, Reason>()
  #count = 0

  get count(): number {
    return this.#count
  }

  get where(): readonly FindingPlace[] {
    return this.#kept
  }

  /** What a finding about these rows says of them. */
  get told(): Pick<Finding, 'where' | 'reasons' | 'count'> {
    return { where: this.#kept, ...sharedReasons([...this.#reasons.values()]), count: this.#count }
  }

  note(origin: string, what?: string): void {
    this.#count++
    if (this.#kept.length < placesKept) this.#kept.push(what === undefined ? { origin } : { origin, what })
    if (what === undefined) return
    const known = this.#reasons.get(what)
    if (known !== undefined) {
      known.count++
      if (known.origins.length < placesKept) known.origins.push(origin)
    } else if (this.#reasons.size < reasonsKept) this.#reasons.set(what, { what, origins: [origin], count: 1 })
  }
}

/** The reasons, where any of them holds for several rows: else the places say all there is. */
export function sharedReasons(reasons: readonly RowReason[]): Pick<Finding, 'reasons'> {
  if (reasons.every(({ count }) => count === 1)) return {}
  return { reasons: [...reasons].sort((a, b) => b.count - a.count).slice(0, reasonsTold) }
}
