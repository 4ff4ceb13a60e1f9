import { RandomStream } from '../data/random.js'
import { shingleWords } from './shingles.js'

/**
 * Signatures of texts (Broder's MinHash): each of `length` hash functions orders all runs of words, and the signature holds the least
 * run of the text in each order. Two texts agree in a place with the probability of their Jaccard similarity.
 */
export class MinHash {
  readonly length: number
  readonly #size: number
  readonly #keys: Uint32Array
  #words = new Uint32Array(256)

  constructor({ length, size, seed }: { readonly length: number; readonly size: number; readonly seed: number }) {
    this.length = length
    this.#size = size
    const random = new RandomStream('min-hash', seed)
    this.#keys = Uint32Array.from({ length }, () => random.nextUint32())
  }

  signature(text: string, out: Uint32Array = new Uint32Array(this.length)): Uint32Array {
    out.fill(0xffffffff)
    const words = shingleWords(text)
    const hashes = this.#hashed(words)
    const size = Math.min(this.#size, words.length)
    const keys = this.#keys
    for (let at = 0; at + size <= words.length; at++) {
      let run = 0x9e3779b9
      for (let i = at; i < at + size; i++) run = mixed(run, hashes[i] ?? 0)
      run = finished(run)
      for (let i = 0; i < keys.length; i++) {
        let value = Math.imul(run ^ (keys[i] ?? 0), 0x85ebca6b)
        value = Math.imul(value ^ (value >>> 15), 0xc2b2ae35)
        value = (value ^ (value >>> 13)) >>> 0
        if (value < (out[i] ?? 0)) out[i] = value
      }
    }
    return out
  }

  #hashed(words: readonly string[]): Uint32Array {
    if (this.#words.length < words.length) this.#words = new Uint32Array(2 * words.length)
    for (const [at, word] of words.entries()) {
      let hash = word.length
      for (let i = 0; i < word.length; i++) hash = mixed(hash, word.charCodeAt(i))
      this.#words[at] = finished(hash)
    }
    return this.#words
  }
}

/** The share of places in which two signatures agree: an estimate of the similarity, within 1 / √length or so. */
export function estimatedSimilarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++
  return equal / a.length
}

// MurmurHash3, a word at a time.
function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  const h = hash ^ k
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

function finished(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
