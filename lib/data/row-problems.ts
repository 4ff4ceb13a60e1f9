import { AttuneError, type AttuneErrorCode, type RowProblem } from '../errors.js'

// Enough to see a pattern, few enough to read.
const kindsShown = 10
const rowsShown = 10

interface Problem {
  readonly code: AttuneErrorCode
  readonly what: string
  readonly origins: string[]
  count: number
}

/** What is wrong with the rows of a dataset, gathered so that one error names many of them: rows that have the same problem together. */
export class RowProblems {
  readonly #first: RowProblem[] = []
  readonly #kinds = new Map<string, Problem>()
  readonly #kept: number
  #count = 0

  /** `kept`: how many rows are remembered, beside those that the error names. */
  constructor(kept = rowsShown) {
    this.#kept = kept
  }

  get count(): number {
    return this.#count
  }

  /** Those that are remembered. */
  get rows(): readonly RowProblem[] {
    return this.#first
  }

  note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#count++
    if (this.#first.length < this.#kept) this.#first.push({ origin, what })
    const known = this.#kinds.get(what)
    if (known !== undefined) {
      known.count++
      if (known.origins.length < rowsShown) known.origins.push(origin)
    } else if (this.#kinds.size < kindsShown) this.#kinds.set(what, { code, what, origins: [origin], count: 1 })
  }

  /** Throws one error that names the bad rows, with the first one's code. Does nothing where all were good. */
  throwIfAny(): void {
    const kinds = [...this.#kinds.values()]
    const [first] = kinds
    if (first === undefined) return
    const lines = kinds.map(({ origins, count, what }) => `${rowNames(origins, count)}: ${what}`)
    const more = this.#count - kinds.reduce((sum, { count }) => sum + count, 0)
    if (more > 0) lines.push(`… and ${more} more`)
    const message = this.#count === 1 ? lines.join('') : `${this.#count} rows cannot be used:\n  ${lines.join('\n  ')}`
    throw new AttuneError(first.code, message, {
      where: first.origins[0] ?? '',
      rows: this.#first.slice(0, rowsShown),
      rowCount: this.#count,
      reasons: kinds.map(({ what, count, origins }) => ({ what, count, origins })),
    })
  }
}

/** `data.jsonl:3, data.jsonl:4 and 12 more rows`. */
function rowNames(origins: readonly string[], count: number): string {
  const more = count - origins.length
  return `${origins.join(', ')}${more > 0 ? ` and ${more} more rows` : ''}`
}
