import { AttuneError, type AttuneErrorCode } from '../errors.js'
import { RowProblems } from './row-problems.js'
import type { DatasetRow, ShapeName } from './rows.js'
import { describeValue, type Fields, type RowMeaning, type Shape } from './shape.js'
import { expectedFields, shapes } from './shapes.js'

export interface RowOptions extends RowMeaning {
  /** What the rows are. Default: as the first row shows. */
  readonly shape?: ShapeName | undefined
  /** What the rows call a field, by its usual name: `{ label: 'category' }`. Default: the usual names. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** Checks rows one after the other: the first good one decides the shape, every bad one is noted. */
export class RowReader {
  readonly rows: DatasetRow[] = []
  readonly origins: string[] = []
  readonly #problems = new RowProblems()
  readonly #options: RowOptions
  #shape: Shape | undefined
  #decidedBy = ''

  constructor(options: RowOptions = {}) {
    const { shape } = options
    this.#options = options
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
    return this.rows.length + this.#problems.count
  }

  get shape(): ShapeName | undefined {
    return this.#shape?.name
  }

  add(value: unknown, origin: string): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const what = `expected an object with ${this.#expected()}, received ${describeValue(value)}`
      this.note('invalid-dataset', origin, what)
      return
    }
    const fields = renamed(value as Fields, this.#options.fields)
    const own = this.#shape?.detect(fields) === true ? this.#shape : shapes.find((shape) => shape.detect(fields))
    if (own === undefined || (this.#shape !== undefined && own !== this.#shape)) {
      const asIn = this.#shape === undefined ? '' : ` as in ${this.#decidedBy}`
      this.note('invalid-dataset', origin, `expected ${this.#expected()}${asIn}, received ${describeValue(value)}`)
      return
    }
    const { row, problem } = own.parse(fields, this.#options)
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
    this.#problems.note(code, origin, what)
  }

  /** Throws one error that names the bad rows, with the first one's code. Does nothing where all were good. */
  throwIfBad(): void {
    this.#problems.throwIfAny()
  }

  #expected(): string {
    return this.#shape?.expected ?? expectedFields
  }
}

/** The fields under their usual names. */
function renamed(fields: Fields, names: RowOptions['fields']): Fields {
  if (names === undefined) return fields
  const theirs = new Set(Object.values(names))
  const others = Object.entries(fields).filter(([key]) => !theirs.has(key) && !Object.hasOwn(names, key))
  return Object.fromEntries([...others, ...Object.entries(names).map(([own, their]) => [own, fields[their]] as const)])
}
