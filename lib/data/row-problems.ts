import { AttuneError, type AttuneErrorCode } from '../errors.js'

// Enough to see a pattern, few enough to read.
const problemsShown = 10

interface Problem {
  readonly code: AttuneErrorCode
  readonly origin: string
  readonly what: string
}

/** What is wrong with the rows of a dataset, gathered so that one error names many of them. */
export class RowProblems {
  readonly #shown: Problem[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#count++
    if (this.#shown.length < problemsShown) this.#shown.push({ code, origin, what })
  }

  /** Throws one error that names the bad rows, with the first one's code. Does nothing where all were good. */
  throwIfAny(): void {
    const [first] = this.#shown
    if (first === undefined) return
    const lines = this.#shown.map(({ origin, what }) => `${origin}: ${what}`)
    const more = this.#count - this.#shown.length
    if (more > 0) lines.push(`… and ${more} more`)
    const message = lines.length === 1 ? lines.join('') : `${this.#count} rows cannot be used:\n  ${lines.join('\n  ')}`
    const rows = this.#shown.map(({ origin, what }) => ({ origin, what }))
    throw new AttuneError(first.code, message, { where: first.origin, rows, rowCount: this.#count })
  }
}
