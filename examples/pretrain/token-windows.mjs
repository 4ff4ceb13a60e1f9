// A flat file of uint16 token ids as batches of fixed-length windows.
import { readFileSync } from 'node:fs'
import { seededShuffle } from './seeded-shuffle.mjs'

export class TokenWindows {
  #ids
  #length
  #seed
  #epoch = -1
  #order = []

  constructor(file, { length, seed }) {
    const bytes = readFileSync(file)
    this.#ids = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    this.#length = length
    this.#seed = seed
    this.count = Math.floor(this.#ids.length / length)
    if (this.count === 0)
      throw new Error(`${file} holds ${this.#ids.length} tokens, fewer than one window of ${length}`)
  }

  get tokens() {
    return this.#ids.length
  }

  /** Batch number `index` of a walk that visits every window once an epoch, in an order of that epoch's own. */
  batch(index, size) {
    return toBatch(Array.from({ length: size }, (_, i) => this.#shuffled(index * size + i)))
  }

  /** Batches of `size` out of `total` windows spread evenly over the file, always the same. */
  spread(total, size) {
    const used = Math.min(total, this.count)
    const windows = Array.from({ length: used }, (_, i) => this.#window(Math.floor((i * this.count) / used)))
    return Array.from({ length: Math.ceil(used / size) }, (_, i) => toBatch(windows.slice(i * size, (i + 1) * size)))
  }

  #shuffled(position) {
    const epoch = Math.floor(position / this.count)
    if (epoch !== this.#epoch) {
      this.#order = seededShuffle(
        Uint32Array.from({ length: this.count }, (_, i) => i),
        this.#seed + epoch,
      )
      this.#epoch = epoch
    }
    return this.#window(this.#order[position % this.count])
  }

  #window(i) {
    return Int32Array.from(this.#ids.subarray(i * this.#length, (i + 1) * this.#length))
  }
}

/** Every token is a label; a causal model shifts them itself. */
function toBatch(windows) {
  return { inputIds: windows, labels: windows }
}
