/** How a signature is cut: texts that agree in all rows of one band are looked at. */
export interface Bands {
  readonly bands: number
  readonly rows: number
  /** The probability that a pair exactly as similar as the threshold is looked at; more similar pairs, more surely. */
  readonly probability: number
}

/** The most rows a band, and so the fewest pairs to look at in vain, that still find pairs at the threshold with `confidence`. */
export function chooseBands(threshold: number, confidence: number, length: number): Bands {
  let best = cut(threshold, 1, length)
  for (let rows = 2; rows <= length; rows++) {
    const next = cut(threshold, rows, length)
    if (next.probability >= confidence) best = next
  }
  return best
}

function cut(threshold: number, rows: number, length: number): Bands {
  const bands = Math.floor(length / rows)
  return { bands, rows, probability: 1 - (1 - threshold ** rows) ** bands }
}

/** For each band, the texts that have a key, as chains through typed arrays: 16 bytes a text and band. */
export class BandTable {
  readonly #bands: number
  #heads: Int32Array[]
  #next: Int32Array[]
  #keys: Uint32Array[]
  #capacity = 1024
  #length = 0

  constructor(bands: number) {
    this.#bands = bands
    const arrays = <T>(make: () => T): T[] => Array.from({ length: bands }, make)
    this.#heads = arrays(() => new Int32Array(2 * this.#capacity).fill(-1))
    this.#next = arrays(() => new Int32Array(this.#capacity))
    this.#keys = arrays(() => new Uint32Array(this.#capacity))
  }

  /** Adds an entry under its key of each band; entries are numbered from 0 in the order in which they come. */
  add(keys: Uint32Array): number {
    if (this.#length === this.#capacity) this.#grow()
    const entry = this.#length++
    for (let band = 0; band < this.#bands; band++) this.#link(band, entry, keys[band] ?? 0)
    return entry
  }

  /** Entries that share the key of at least one band, each once, the latest first within a band. */
  candidates(keys: Uint32Array): Set<number> {
    const found = new Set<number>()
    for (let band = 0; band < this.#bands; band++) {
      const [heads, next, stored, key] = [this.#heads[band], this.#next[band], this.#keys[band], keys[band] ?? 0]
      if (heads === undefined || next === undefined || stored === undefined) continue
      for (let at = heads[key & (heads.length - 1)] ?? -1; at >= 0; at = next[at] ?? -1) {
        if (stored[at] === key) found.add(at)
      }
    }
    return found
  }

  #link(band: number, entry: number, key: number): void {
    const [heads, next, stored] = [this.#heads[band], this.#next[band], this.#keys[band]]
    if (heads === undefined || next === undefined || stored === undefined) return
    const slot = key & (heads.length - 1)
    stored[entry] = key
    next[entry] = heads[slot] ?? -1
    heads[slot] = entry
  }

  #grow(): void {
    const old = this.#keys
    this.#capacity *= 2
    this.#heads = old.map(() => new Int32Array(2 * this.#capacity).fill(-1))
    this.#next = old.map(() => new Int32Array(this.#capacity))
    this.#keys = old.map(() => new Uint32Array(this.#capacity))
    for (const [band, keys] of old.entries()) for (let i = 0; i < this.#length; i++) this.#link(band, i, keys[i] ?? 0)
  }
}
