import { AttuneError, type AttuneErrorCode, type RowProblem } from '../errors.js'
import { fieldAdvice } from './field-advice.js'
import { recognitionOf, renamed, unreadNames, type Recognition } from './recognize-shape.js'
import { RowProblems } from './row-problems.js'
import type { DatasetRow, RowAlias, ShapeName } from './rows.js'
import { describeValue, type Fields, type RowMeaning, type Shape } from './shape.js'
import { pathOfRows } from './wrapped-rows.js'
import { expectedFields, expectedOf, shapeFor, shapeNames, shapes } from './shapes.js'

/** One row, several, or none (undefined: this one is left out) made of what a file has. */
export type MappedRows = DatasetRow | RowAlias | readonly (DatasetRow | RowAlias)[] | undefined

export interface RowOptions extends RowMeaning {
  /** What the rows are. Default: as the first row shows. */
  readonly shape?: ShapeName | undefined
  /** What the rows call a field, by its usual name: `{ label: 'category' }`. Default: the usual names. */
  readonly fields?: Readonly<Record<string, string>> | undefined
  /**
   * Makes rows of whatever the source has: `value` is a row as it was parsed, `origin` its `file:line`. A list stands for
   * several rows, undefined for none. Default: values are rows.
   */
  readonly map?: ((value: never, origin: string) => MappedRows) | undefined
  /**
   * What happens where rows cannot be read or are wrong. 'error': they are refused, ten of them by name; 'skip': they are
   * left out and listed in the dataset's `skipped`. Default: 'error'.
   */
  readonly onBadRow?: 'error' | 'skip' | undefined
}

const noFields: Fields = Object.freeze({})

/** Checks rows one after the other: the first good one decides the shape, every bad one is noted. */
export class RowReader {
  readonly rows: DatasetRow[] = []
  readonly origins: string[] = []
  /** Of each row, the fields that its shape does not read. */
  readonly unread: Fields[] = []
  readonly #problems: RowProblems
  readonly #options: RowOptions
  /** The shapes that a row may have: those of the option's name, then the first row's. */
  #candidates: readonly Shape[]
  #decided: Shape | undefined
  #firstRow = { fields: noFields, own: noFields }
  #decidedBy = ''
  readonly #ignored = new Set<string>()
  #left = 0
  #cleared = 0

  constructor(options: RowOptions = {}) {
    const { shape } = options
    this.#options = options
    this.#problems = new RowProblems(options.onBadRow === 'skip' ? Infinity : undefined)
    this.#candidates = shape === undefined ? shapes : shapes.filter(({ name }) => name === shape)
    if (shape === undefined) return
    this.#decidedBy = 'options.shape'
    if (this.#candidates.length === 0) {
      const names = shapeNames.map((name) => `'${name}'`).join(', ')
      throw new AttuneError('invalid-option', `options.shape should be one of ${names}, received '${shape}'`, {
        where: 'options.shape',
      })
    }
  }

  /** How many rows have been read: good, bad, and left out by `options.map`. */
  get seen(): number {
    return this.rows.length + this.#problems.count + this.#left + this.#cleared
  }

  get shape(): ShapeName | undefined {
    return this.#decided?.name ?? this.#options.shape
  }

  /** How the rows are read, undefined before the first good one. */
  get recognition(): Recognition | undefined {
    if (this.#decided === undefined) return undefined
    return recognitionOf(this.#decided, this.#firstRow.fields, {
      asked: this.#options.shape !== undefined,
      names: this.#options.fields,
      ignores: [...this.#ignored],
    })
  }

  add(value: unknown, origin: string): void {
    const { map } = this.#options
    if (map === undefined) {
      this.addRow(value, origin)
      return
    }
    let mapped: MappedRows
    try {
      mapped = map(value as never, origin)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.note('invalid-dataset', origin, `options.map failed: ${reason}`)
      return
    }
    const list = listOf(mapped)
    if (list.length === 0) this.#left++
    list.forEach((row, index) => this.addRow(row, list.length === 1 ? origin : `${origin}[${index}]`))
  }

  /** Adds a row as it is, whatever `options.map` says. `beside`: fields to keep with it. */
  addRow(value: unknown, origin: string, beside: Fields = noFields): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const what = `expected an object with ${this.#expected()}, received ${describeValue(value)}`
      this.note('invalid-dataset', origin, what)
      return
    }
    const own = value as Fields
    const fields = renamed(own, this.#options.fields)
    const shape = shapeFor(fields, this.#candidates)
    if (shape === undefined) {
      this.note('invalid-dataset', origin, this.#unfit(fields, own))
      return
    }
    const { row, problem } = shape.parse(fields, this.#options)
    if (row === undefined) {
      this.note('invalid-dataset', origin, problem)
      return
    }
    if (this.#decided === undefined) this.#decide(shape, { fields, own }, origin)
    this.rows.push(row)
    this.origins.push(origin)
    const unread = unreadOf(own, unreadNames(shape, fields, own, this.#options.fields), beside)
    if (unread !== noFields) for (const name of Object.keys(unread)) this.#ignored.add(name)
    this.unread.push(unread)
  }

  /** Forgets the rows, as one does between the chunks of a large file; what was decided stays. */
  clear(): void {
    this.#cleared += this.rows.length
    this.rows.length = 0
    this.origins.length = 0
    this.unread.length = 0
  }

  note(code: AttuneErrorCode, origin: string, what: string): void {
    this.#problems.note(code, origin, what)
  }

  /** The bad rows that were left out, as the options ask. */
  get skipped(): readonly RowProblem[] {
    return this.#options.onBadRow === 'skip' ? this.#problems.rows : []
  }

  /**
   * Throws one error that names the bad rows, with the first one's code. Does nothing where all were good, or where they
   * are to be skipped and others are left.
   */
  throwIfBad(): void {
    if (this.#options.onBadRow !== 'skip' || this.rows.length === 0) this.#problems.throwIfAny()
  }

  #decide(shape: Shape, row: { fields: Fields; own: Fields }, origin: string): void {
    this.#decided = shape
    this.#firstRow = row
    if (this.#options.shape !== undefined) return
    this.#candidates = [shape]
    this.#decidedBy = origin
  }

  #expected(): string {
    return this.#candidates === shapes ? expectedFields : expectedOf(this.#candidates)
  }

  /** What is wrong with a row that has the fields of none of the candidates. */
  #unfit(fields: Fields, own: Fields): string {
    const asIn = this.#decidedBy === '' ? '' : ` as in ${this.#decidedBy}`
    const other = this.#candidates === shapes ? undefined : shapeFor(fields)
    const hint = other === undefined ? adviceOn(fields) : ` (which is '${other.name}': ${other.form})`
    return `received ${describeValue(own)}${hint}; expected ${this.#expected()}${asIn}`
  }
}

function adviceOn(fields: Fields): string {
  const at = pathOfRows(fields)
  if (at === undefined) return fieldAdvice(fields)
  return `; where this is a whole JSON file, the option at says where its rows are, perhaps at: '${at}'`
}

/** The rows that a function made. */
export function listOf(mapped: MappedRows): readonly unknown[] {
  if (mapped === undefined) return []
  return Array.isArray(mapped) ? mapped : [mapped]
}

/** One object for all rows without such fields. */
function unreadOf(own: Fields, names: readonly string[], beside: Fields): Fields {
  return names.length === 0 ? beside : { ...beside, ...Object.fromEntries(names.map((name) => [name, own[name]])) }
}
