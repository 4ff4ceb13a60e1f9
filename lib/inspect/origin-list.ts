/** Origins by index in eight bytes each: `file:line` and the like differ in their last number only. */
export class OriginList {
  readonly #patterns: string[] = []
  readonly #indexOf = new Map<string, number>()
  #pattern = new Int32Array(1024)
  #number = new Int32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The index it has from now on. */
  add(origin: string): number {
    const [, before, digits, after] = /^(.*?)([1-9]\d{0,8}|0)(\D*)$/s.exec(origin) ?? []
    const pattern = digits === undefined ? origin : `${before ?? ''}\0${after ?? ''}`
    const known = this.#indexOf.get(pattern) ?? this.#patterns.push(pattern) - 1
    this.#indexOf.set(pattern, known)
    if (this.#length === this.#pattern.length) this.#grow()
    this.#pattern[this.#length] = known
    this.#number[this.#length] = Number(digits ?? 0)
    return this.#length++
  }

  at(index: number): string {
    const pattern = this.#patterns[this.#pattern[index] ?? -1] ?? ''
    return pattern.replace('\0', String(this.#number[index] ?? 0))
  }

  #grow(): void {
    const [pattern, number] = [this.#pattern, this.#number]
    this.#pattern = new Int32Array(2 * pattern.length)
    this.#number = new Int32Array(2 * number.length)
    this.#pattern.set(pattern)
    this.#number.set(number)
  }
}
