/** Where numbers lie. */
export interface Spread {
  readonly mean: number
  readonly standardDeviation: number
  readonly min: number
  readonly max: number
}

/** By Welford's update: small variances beside large means stay exact. */
export class SpreadCounter {
  #count = 0
  #mean = 0
  #squares = 0
  #min = Infinity
  #max = -Infinity

  add(value: number): void {
    this.#count++
    const step = value - this.#mean
    this.#mean += step / this.#count
    this.#squares += step * (value - this.#mean)
    this.#min = Math.min(this.#min, value)
    this.#max = Math.max(this.#max, value)
  }

  /** NaN of no numbers. */
  value(): Spread {
    if (this.#count === 0) return { mean: NaN, standardDeviation: NaN, min: NaN, max: NaN }
    return {
      mean: this.#mean,
      standardDeviation: Math.sqrt(this.#squares / this.#count),
      min: this.#min,
      max: this.#max,
    }
  }
}
