import type { FindingPlace } from './finding.js'

const placesKept = 10

/** Counts the rows of a finding, and keeps the first few. */
export class Places {
  readonly #kept: FindingPlace[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  get where(): readonly FindingPlace[] {
    return this.#kept
  }

  note(origin: string, what?: string): void {
    this.#count++
    if (this.#kept.length < placesKept) this.#kept.push(what === undefined ? { origin } : { origin, what })
  }
}
