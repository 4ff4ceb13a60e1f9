import { AttuneError } from '../errors.js'

/**
 * Reproducible random whole numbers: the same seed and stream name give the same numbers on every machine.
 * Streams are independent, so drawing from one ('split') never moves another ('order').
 * The generator is sfc32, seeded by a hash of the name and the numbers.
 */
export class RandomStream {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @throws AttuneError 'invalid-option' where a number is no whole number from 0 to 2^53 - 1 */
  constructor(name: string, ...numbers: readonly number[]) {
    let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162]
    const absorb = (word: number): void => {
      a = mix(a ^ word)
      b = mix(b ^ a)
      c = mix(c ^ b)
    }
    for (const char of name) absorb(char.codePointAt(0) ?? 0)
    for (const number of numbers) {
      if (!Number.isSafeInteger(number) || number < 0) {
        throw new AttuneError('invalid-option', `expected a whole number from 0 on as a seed, received ${number}`, {
          where: 'options.seed',
        })
      }
      absorb(number >>> 0)
      absorb(Math.floor(number / 2 ** 32))
    }
    this.#a = a
    this.#b = b
    this.#c = c
    // The author's advice for sfc32: the first outputs still show the seed.
    for (let i = 0; i < 15; i++) this.nextUint32()
  }

  nextUint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** A whole number from 0 to `bound` - 1, each equally likely; `bound` is at most 2^32. */
  nextBelow(bound: number): number {
    // Numbers past the last whole multiple of bound would favour the small results.
    const limit = 2 ** 32 - (2 ** 32 % bound)
    for (;;) {
      const value = this.nextUint32()
      if (value < limit) return value % bound
    }
  }

  /** A number from 0 up to 1, 1 excluded, in steps of 2^-32. */
  nextUnit(): number {
    return this.nextUint32() / 2 ** 32
  }

  /** One of the entries, each equally likely. */
  pick<Entry>(list: readonly Entry[]): Entry {
    if (list.length === 0)
      throw new AttuneError('invalid-input', 'cannot pick an entry of an empty list', { where: 'list' })
    return list[this.nextBelow(list.length)] as Entry
  }

  /** The numbers 0 to `length` - 1 in random order (Fisher-Yates). */
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, index) => index)
    this.shuffle(order)
    return order
  }

  /** Puts a list into random order, in place. */
  shuffle(list: unknown[]): void {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.nextBelow(last + 1)
      const moved = list[last]
      list[last] = list[other]
      list[other] = moved
    }
  }
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(word: number): number {
  let h = word | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
