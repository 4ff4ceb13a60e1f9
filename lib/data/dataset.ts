import { AttuneError } from '../errors.js'
import { RandomStream } from './random.js'
import type { Recognition } from './recognize-shape.js'
import { RowReader, type MappedRows, type RowOptions } from './row-reader.js'
import type { DatasetRow, RowAlias, ShapeName } from './rows.js'
import type { Fields } from './shape.js'
import { stratified } from './stratify.js'

export interface SplitOptions {
  /** Part of the rows for validation: a fraction below 1, or a number of rows. Default: 0. */
  readonly validation?: number | undefined
  /** Part of the rows for testing: a fraction below 1, or a number of rows. Default: 0. */
  readonly test?: number | undefined
  /** Decides which row goes where. Default: 0. */
  readonly seed?: number | undefined
  /** 'label': each part gets its share of every class (rows with one label). Default: rows are drawn regardless. */
  readonly stratify?: 'label' | undefined
}

export interface DatasetSplit {
  readonly train: Dataset
  /** Empty where no validation part was asked for. */
  readonly validation: Dataset
  /** Empty where no test part was asked for. */
  readonly test: Dataset
}

/** Rows of one shape, each with the place it came from. A dataset never changes; its methods give new ones. */
export class Dataset implements Iterable<DatasetRow> {
  readonly rows: readonly DatasetRow[]
  /** Where each row came from, as `file:line` or `row N` (from 0), for messages. */
  readonly origins: readonly string[]
  /** The shape all rows have; undefined in an empty dataset. */
  readonly shape: ShapeName | undefined

  readonly #unread: readonly Fields[]
  readonly #recognition: () => Recognition | undefined

  private constructor(rows: readonly DatasetRow[], { origins, unread, shape, recognition }: RowsRead) {
    this.rows = rows
    this.origins = origins
    this.shape = rows.length === 0 ? undefined : shape
    this.#unread = unread
    this.#recognition = recognition
  }

  /**
   * A dataset of rows in memory. They are checked as rows of a file are.
   * @throws AttuneError 'invalid-dataset' naming the rows that are wrong, 'empty-dataset'
   */
  static from(rows: Iterable<DatasetRow | RowAlias>, options: RowOptions = {}): Dataset {
    const reader = new RowReader(options)
    let index = 0
    for (const row of rows) reader.add(row, `row ${index++}`)
    return Dataset.#fromSome(reader)
  }

  /** As `from`, of rows that come one after the other: a cursor of a database, an answer of a server. */
  static async fromAsync(
    rows: AsyncIterable<DatasetRow | RowAlias> | Iterable<DatasetRow | RowAlias | Promise<DatasetRow | RowAlias>>,
    options: RowOptions = {},
  ): Promise<Dataset> {
    const reader = new RowReader(options)
    let index = 0
    for await (const row of rows) reader.add(row, `row ${index++}`)
    return Dataset.#fromSome(reader)
  }

  static #fromSome(reader: RowReader): Dataset {
    if (reader.seen === 0) throw new AttuneError('empty-dataset', 'there are no rows', { where: 'rows' })
    return Dataset.fromReader(reader)
  }

  /** What a reader has read. Throws AttuneError 'invalid-dataset' or 'invalid-json' where it noted a problem. */
  static fromReader(reader: RowReader): Dataset {
    reader.throwIfBad()
    const { rows, origins, unread, shape } = reader
    return new Dataset(rows, { origins, unread, shape, recognition: () => reader.recognition })
  }

  get length(): number {
    return this.rows.length
  }

  /** The fields of a row that its shape does not read, by the names the row gave them: an id, a date, a patient. */
  fieldsOf(index: number): Readonly<Record<string, unknown>> {
    return this.#unread[index] ?? {}
  }

  /** How the rows are read and why, in words; undefined in an empty dataset. */
  get recognition(): Recognition | undefined {
    return this.length === 0 ? undefined : this.#recognition()
  }

  [Symbol.iterator](): Iterator<DatasetRow> {
    return this.rows[Symbol.iterator]()
  }

  /**
   * Parts the rows at random, the same way for the same seed on every machine; rows keep their order in each part.
   * A part that is asked for gets at least one row.
   * @throws AttuneError 'invalid-option' where a part is no fraction or count, nothing would be left to train on, or
   * rows without one label each should be stratified
   */
  split(options: SplitOptions): DatasetSplit {
    const validation = partSize('validation', options.validation ?? 0, this.length)
    const test = partSize('test', options.test ?? 0, this.length)
    if (validation + test >= this.length) {
      throw new AttuneError(
        'invalid-option',
        `${validation} rows for validation and ${test} for testing leave none of ${this.length} to train on`,
        { where: validation > 0 ? 'options.validation' : 'options.test' },
      )
    }
    const order = new RandomStream('split', options.seed ?? 0).permutation(this.length)
    const parts =
      options.stratify === undefined
        ? { validation: order.slice(0, validation), test: order.slice(validation, validation + test) }
        : stratified(this, order, { validation, test }, options.stratify)
    const taken = new Set([...parts.validation, ...parts.test])
    return {
      validation: this.#pick([...parts.validation].sort(ascending)),
      test: this.#pick([...parts.test].sort(ascending)),
      train: this.#pick(order.filter((index) => !taken.has(index)).sort(ascending)),
    }
  }

  /** The rows in random order, the same for the same seed on every machine. Default seed: 0. */
  shuffle(seed = 0): Dataset {
    return this.#pick(new RandomStream('shuffle', seed).permutation(this.length))
  }

  /** Rows `start` to `end` - 1, as `Array.slice` counts. */
  slice(start?: number, end?: number): Dataset {
    return this.#of(this.rows.slice(start, end), this.origins.slice(start, end), this.#unread.slice(start, end))
  }

  /** The rows for which `keep` is true. */
  filter(keep: (row: DatasetRow, index: number, fields: Fields) => boolean): Dataset {
    return this.#pick(this.rows.flatMap((row, index) => (keep(row, index, this.fieldsOf(index)) ? [index] : [])))
  }

  /**
   * Each row changed: to another row, several, or none (undefined). They keep their origin and the fields that were not
   * read. The new rows may have another shape, all the same one.
   * @throws AttuneError 'invalid-dataset' where a new row is wrong
   */
  map(change: (row: DatasetRow, index: number, fields: Fields) => MappedRows): Dataset {
    const reader = new RowReader()
    this.rows.forEach((row, index) => {
      const fields = this.fieldsOf(index)
      const changed = change(row, index, fields)
      const list: readonly unknown[] = Array.isArray(changed) ? changed : changed === undefined ? [] : [changed]
      for (const made of list) reader.addRow(made, this.origins[index] ?? '', fields)
    })
    return Dataset.fromReader(reader)
  }

  /**
   * These rows and those of others, in this order. All have one shape.
   * @throws AttuneError 'invalid-dataset' naming the first row of another shape
   */
  concat(...others: readonly Dataset[]): Dataset {
    const filled = [this as Dataset, ...others].filter(({ length }) => length > 0)
    const [first = this] = filled
    const odd = filled.find(({ shape }) => shape !== first.shape)
    if (odd !== undefined) {
      const where = odd.origins[0] ?? 'rows'
      const message = `${where}: rows of shape '${odd.shape ?? ''}' cannot follow rows of shape '${first.shape ?? ''}'`
      throw new AttuneError('invalid-dataset', message, { where })
    }
    return first.#of(
      filled.flatMap(({ rows }) => rows),
      filled.flatMap(({ origins }) => origins),
      filled.flatMap((dataset) => dataset.#unread),
    )
  }

  #pick(indices: readonly number[]): Dataset {
    return this.#of(
      indices.map((index) => this.rows[index] as DatasetRow),
      indices.map((index) => this.origins[index] ?? ''),
      indices.map((index) => this.fieldsOf(index)),
    )
  }

  #of(rows: readonly DatasetRow[], origins: readonly string[], unread: readonly Fields[]): Dataset {
    return new Dataset(rows, { origins, unread, shape: this.shape, recognition: this.#recognition })
  }
}

/** What a reader knows about rows. */
interface RowsRead {
  readonly origins: readonly string[]
  readonly unread: readonly Fields[]
  readonly shape: ShapeName | undefined
  readonly recognition: () => Recognition | undefined
}

function partSize(name: string, part: number, length: number): number {
  if (part === 0) return 0
  if (part > 0 && part < 1) return Math.max(1, Math.round(part * length))
  if (Number.isInteger(part) && part >= 1) return part
  throw new AttuneError(
    'invalid-option',
    `options.${name} should be a fraction from 0 to 1 or a number of rows, received ${part}`,
    {
      where: `options.${name}`,
    },
  )
}

function ascending(a: number, b: number): number {
  return a - b
}
