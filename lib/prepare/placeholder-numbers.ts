/** Numbers what was found, by kind and in the order in which it came: the same person has the same number. */
export class PlaceholderNumbers {
  readonly #numbers = new Map<string, Map<string, number>>()

  numberOf(kind: string, identity: string): number {
    let known = this.#numbers.get(kind)
    if (known === undefined) this.#numbers.set(kind, (known = new Map<string, number>()))
    const key = identity.normalize('NFC').toLowerCase().replace(/\s+/g, ' ')
    let number = known.get(key)
    if (number === undefined) known.set(key, (number = known.size + 1))
    return number
  }

  clear(): void {
    this.#numbers.clear()
  }
}
