import { AttuneError, type RowProblem } from '../errors.js'
import { balancedRows, type BalanceOptions } from './balance.js'
import { RandomStream } from './random.js'
import type { Recognition } from './recognize-shape.js'
import { listOf, RowReader, type MappedRows, type RowOptions } from './row-reader.js'
import type { DatasetRow, RowAlias, ShapeName } from './rows.js'
import type { Fields } from './shape.js'
import { foldRows } from './splits/folds.js'
import { splitRows } from './splits/split.js'
import type { FoldOptions, SplitOptions } from './splits/split-options.js'

export interface AugmentOptions {
  /** How many new rows are made of each. Default: 1. */
  readonly times?: number | undefined
  /** What the random numbers come from. Default: 0. */
  readonly seed?: number | undefined
}

/** A row to make a new one of. */
export interface RowToChange {
  readonly index: number
  /** Which of the `times` new rows this is, from 0. */
  readonly copy: number
  readonly fields: Fields
}

export interface Fold {
  readonly train: Dataset
  readonly validation: Dataset
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

  /** Rows that were left out as `onBadRow: 'skip'` asks. */
  readonly skipped: readonly RowProblem[]

  readonly #unread: readonly Fields[]
  readonly #recognition: () => Recognition | undefined

  private constructor(rows: readonly DatasetRow[], { origins, unread, shape, recognition, skipped = [] }: RowsRead) {
    this.rows = rows
    this.origins = origins
    this.shape = rows.length === 0 ? undefined : shape
    this.skipped = skipped
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
    const { rows, origins, unread, shape, skipped } = reader
    return new Dataset(rows, { origins, unread, shape, recognition: () => reader.recognition, skipped })
  }

  /** Some rows that were checked before, all of one shape. */
  static ofChecked(
    rows: readonly { readonly row: DatasetRow; readonly origin: string }[],
    shape: ShapeName | undefined,
  ): Dataset {
    return new Dataset(
      rows.map(({ row }) => row),
      { origins: rows.map(({ origin }) => origin), unread: [], shape, recognition: () => undefined },
    )
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
   * Parts the rows, the same way for the same options on every machine; rows keep their order in each part. At random
   * (by `seed`), with the shares of classes (`stratify`), groups kept whole (`groupBy`), by time (`orderBy`). A part
   * that is asked for gets at least one row.
   * @throws AttuneError 'invalid-option' where a part is no fraction or count, nothing would be left to train on, or
   * rows lack the field
   */
  split(options: SplitOptions): DatasetSplit {
    const { train, validation, test } = splitRows(this, options)
    return { train: this.#pick(train), validation: this.#pick(validation), test: this.#pick(test) }
  }

  /**
   * Parts the rows into `count` folds and gives, for each, its rows to validate on and all others to train on.
   * @throws AttuneError 'invalid-option'
   */
  folds(count: number, options: FoldOptions = {}): readonly Fold[] {
    return foldRows(this, count, options).map((held) => {
      const fold = new Set(held)
      return {
        train: this.#pickWhere((index) => !fold.has(index)),
        validation: this.#pickWhere((index) => fold.has(index)),
      }
    })
  }

  /**
   * Classes of like sizes, by repeating rows of small ones or leaving out rows of large ones. For training rows only:
   * what is measured should be as it is found, so split first.
   * @throws AttuneError 'invalid-option'
   */
  balance(options: BalanceOptions): Dataset {
    return this.#pick(balancedRows(this, options))
  }

  /**
   * The rows and, after them, changed ones made of each by `change`, which should draw what it needs from `random`: the
   * same every time. It may make several rows or none (undefined). For training rows only: a changed row must not stand
   * in one part and its original in another, so split first.
   * @throws AttuneError 'invalid-dataset' where a new row is wrong or of another shape, 'invalid-option'
   */
  augment(
    change: (row: DatasetRow, random: RandomStream, about: RowToChange) => MappedRows,
    { times = 1, seed = 0 }: AugmentOptions = {},
  ): Dataset {
    if (!Number.isInteger(times) || times < 1) {
      const message = `options.times should be a whole number from 1 on, received ${times}`
      throw new AttuneError('invalid-option', message, { where: 'options.times' })
    }
    const reader = new RowReader()
    this.rows.forEach((row, index) => {
      const fields = this.fieldsOf(index)
      for (let copy = 0; copy < times; copy++) {
        // Each row has numbers of its own, whatever the others draw.
        const random = new RandomStream('augment', seed, index, copy)
        const origin = `${this.origins[index] ?? ''} (changed${times === 1 ? '' : ` ${copy + 1}`})`
        for (const made of listOf(change(row, random, { index, copy, fields }))) reader.addRow(made, origin, fields)
      }
    })
    return this.concat(Dataset.fromReader(reader))
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
    return this.#pickWhere((index) => keep(this.rows[index] as DatasetRow, index, this.fieldsOf(index)))
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
      for (const made of listOf(change(row, index, fields))) reader.addRow(made, this.origins[index] ?? '', fields)
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
    return new Dataset(
      filled.flatMap(({ rows }) => rows),
      {
        origins: filled.flatMap(({ origins }) => origins),
        unread: filled.flatMap((dataset) => dataset.#unread),
        shape: first.shape,
        recognition: first.#recognition,
        skipped: [this as Dataset, ...others].flatMap(({ skipped }) => skipped),
      },
    )
  }

  #pickWhere(keep: (index: number) => boolean): Dataset {
    return this.#pick([...this.rows.keys()].filter(keep))
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
  readonly skipped?: readonly RowProblem[]
}
