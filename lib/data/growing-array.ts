/** Whole numbers of 32 bits, as many as come. */
export class GrowingInt32Array {
  #values: Int32Array
  #length = 0

  constructor(capacity = 1024) {
    this.#values = new Int32Array(Math.max(1, capacity))
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(2 * this.#values.length)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length++] = value
  }

  at(index: number): number | undefined {
    return index < this.#length ? this.#values[index] : undefined
  }

  /** What was pushed so far, without a copy: not to be kept while more is pushed. */
  values(): Int32Array {
    return this.#values.subarray(0, this.#length)
  }
}
