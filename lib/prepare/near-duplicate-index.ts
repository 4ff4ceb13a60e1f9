import { z } from 'zod'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import { BandTable, chooseBands, type Bands } from './bands.js'
import { MinHash } from './min-hash.js'
import { jaccard, shingles } from './shingles.js'

export interface NearDuplicateOptions {
  /** From which similarity on texts are near duplicates: the share of word runs that both have (Jaccard). Default: 0.85. */
  readonly threshold?: number | undefined
  /** Words in a run. Default: 3. */
  readonly shingleWords?: number | undefined
  /** The least probability to find a pair that is just as similar as the threshold. Default: 0.99. */
  readonly confidence?: number | undefined
  /** Hash functions: more make fewer comparisons in vain. Default: 128. */
  readonly hashes?: number | undefined
  /** Of the hash functions: the same seed finds the same. Default: 0. */
  readonly seed?: number | undefined
}

export const nearDuplicateOptions = {
  threshold: {
    type: z.number().gt(0).max(1),
    description: 'Similarity from which on texts are near duplicates',
    default: 0.85,
  },
  shingleWords: { type: z.int().min(1).max(32), description: 'Words in a run', default: 3 },
  confidence: {
    type: z.number().gt(0).lt(1),
    description: 'Least probability to find a pair just as similar as the threshold',
    default: 0.99,
  },
  hashes: { type: z.int().min(8).max(1024), description: 'Hash functions', default: 128 },
  seed: { type: z.int().min(0), description: 'Of the hash functions', default: 0 },
} satisfies OptionTable

/** A text that was found, by the number under which it was added. */
export interface NearDuplicate {
  readonly index: number
  /** The share of word runs that both texts have, from 0 to 1: exact, not estimated. */
  readonly similarity: number
}

// Texts that are compared again and again, as the first of a large group is.
const textsKept = 512

/**
 * Texts by what they are similar to. MinHash and banding propose pairs, the exact similarity decides: nothing below the threshold is
 * ever found, and what is at least as similar as it is found with probability `probability` or more.
 */
export class NearDuplicateIndex {
  /** That a pair just as similar as the threshold is found. */
  readonly probability: number
  readonly #options: Settled<typeof nearDuplicateOptions>
  readonly #textAt: (index: number) => string
  readonly #hash: MinHash
  readonly #bands: Bands
  readonly #table: BandTable
  readonly #entries: number[] = []
  readonly #signature: Uint32Array
  readonly #runs = new Map<number, ReadonlySet<string>>()

  /** @param textAt gives back a text that was added: the index does not keep them */
  constructor(textAt: (index: number) => string, options: NearDuplicateOptions = {}) {
    const settled = settleOptions(nearDuplicateOptions, options)
    this.#options = settled
    this.#textAt = textAt
    this.#bands = chooseBands(settled.threshold, settled.confidence, settled.hashes)
    this.#table = new BandTable(this.#bands.bands)
    const length = this.#bands.bands * this.#bands.rows
    this.#hash = new MinHash({ length, size: settled.shingleWords, seed: settled.seed })
    this.#signature = new Uint32Array(length)
    this.probability = this.#bands.probability
  }

  /** The most similar text added so far that `accept` takes; the first of equals; undefined where none is similar enough. */
  find(text: string, accept: (index: number) => boolean = () => true): NearDuplicate | undefined {
    return this.#best(text, this.#keys(text), accept)
  }

  /** Adds a text under the caller's number. */
  add(text: string, index: number): void {
    this.#table.add(this.#keys(text))
    this.#entries.push(index)
  }

  /** Finds a near duplicate, or adds the text where there is none. */
  findOrAdd(text: string, index: number): NearDuplicate | undefined {
    const keys = this.#keys(text)
    const found = this.#best(text, keys)
    if (found === undefined) {
      this.#table.add(keys)
      this.#entries.push(index)
    }
    return found
  }

  #best(text: string, keys: Uint32Array, accept: (index: number) => boolean = () => true): NearDuplicate | undefined {
    const candidates = this.#table.candidates(keys)
    if (candidates.size === 0) return undefined
    const runs = shingles(text, this.#options.shingleWords)
    let best: NearDuplicate | undefined
    for (const entry of [...candidates].sort((a, b) => a - b)) {
      const index = this.#entries[entry] ?? 0
      if (!accept(index)) continue
      const similarity = jaccard(runs, this.#runsOf(index))
      if (similarity < this.#options.threshold || similarity <= (best?.similarity ?? 0)) continue
      best = { index, similarity }
      if (similarity === 1) break
    }
    return best
  }

  #runsOf(index: number): ReadonlySet<string> {
    const known = this.#runs.get(index)
    if (known !== undefined) return known
    const runs = shingles(this.#textAt(index), this.#options.shingleWords)
    // The oldest goes: a Map keeps its keys in the order in which they came.
    if (this.#runs.size >= textsKept) this.#runs.delete(this.#runs.keys().next().value ?? -1)
    this.#runs.set(index, runs)
    return runs
  }

  #keys(text: string): Uint32Array {
    const signature = this.#hash.signature(text, this.#signature)
    const { bands, rows } = this.#bands
    const keys = new Uint32Array(bands)
    for (let band = 0; band < bands; band++) {
      let key = 0x811c9dc5
      for (let i = band * rows; i < (band + 1) * rows; i++)
        key = Math.imul(key ^ (signature[i] ?? 0), 0x01000193) ^ (key >>> 15)
      keys[band] = key
    }
    return keys
  }
}
