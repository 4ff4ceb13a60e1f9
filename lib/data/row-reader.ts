import { AttuneError, type AttuneErrorCode } from '../errors.js'
import { describeValue, expectedFields, shapes, type DatasetRow, type Shape, type ShapeName } from './shapes.js'

// Enough to see a pattern, few enough to read.
const problemsShown = 10

interface Problem {
  readonly code: AttuneErrorCode
  readonly origin: string
  readonly what: string
}

/** Checks rows one after the other: the first good one decides the shape, every bad one is noted. */
export class RowReader {
  readonly rows: DatasetRow[] = []
  readonly origins: string[] = []
  readonly #problems: Problem[] = []
  #problemCount = 0
  #shape: Shape | undefined
  #decidedBy = ''

  constructor(shape?: ShapeName) {
    this.#shape = shapes.find(({ name }) => name === shape)
    this.#decidedBy = 'options.shape'
    if (shape !== undefined && this.#shape === undefined) {
      const names = shapes.map(({ name }) => `'${name}'`).join(', ')
      throw new AttuneError('invalid-option', `options.shape should be one of ${names}, received '${shape}'`, {
        where: 'options.shape',
      })
    }
  }

  /** How many rows have been read, good and bad. */
  get seen(): number {
    return this.rows.length + this.#problemCount
  }

  get shape(): ShapeName | undefined {
    return this.#shape?.name
  }

  add(value: unknown, origin: string): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.note(
        'invalid-dataset',
        origin,
        `expected an object with ${this.#expected()}, received ${describeValue(value)}`,
      )
      return
    }
    const fields = value as Readonly<Record<string, unknown>>
    const own = this.#shape?.detect(fields) === true ? this.#shape : shapes.find((shape) => shape.detect(fields))
    if (own === undefined || (this.#shape !== undefined && own !== this.#shape)) {
      const asIn = this.#shape === undefined ? '' : ` as in ${this.#decidedBy}`
      this.note('invalid-dataset', origin, `expected ${this.#expected()}${asIn}, received ${describeValue(value)}`)
      return
    }
    const { row, problem } = own.parse(fields)
    if (row === undefined) {
      this.note('invalid-dataset', origin, problem)
      return
    }
    if (this.#shape === undefined) {
      this.#shape = own
      this.#decidedBy = origin
    }
    this.rows.push(row)
    this.origins.push(origin)
  }

  note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#problemCount++
    if (this.#problems.length < problemsShown) this.#problems.push({ code, origin, what })
  }

  /** Throws one error that names the bad rows, with the first one's code. Does nothing where all were good. */
  throwIfBad(): void {
    const [first] = this.#problems
    if (first === undefined) return
    const lines = this.#problems.map(({ origin, what }) => `${origin}: ${what}`)
    const more = this.#problemCount - this.#problems.length
    if (more > 0) lines.push(`… and ${more} more`)
    const message =
      lines.length === 1 ? lines.join('') : `${this.#problemCount} rows cannot be used:\n  ${lines.join('\n  ')}`
    throw new AttuneError(first.code, message, { where: first.origin })
  }

  #expected(): string {
    return this.#shape?.expected ?? expectedFields
  }
}
