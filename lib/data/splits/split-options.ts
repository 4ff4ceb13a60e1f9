import { AttuneError } from '../../errors.js'
import type { DatasetRow } from '../rows.js'
import type { Fields } from '../shape.js'

/** What a split reads of a dataset. */
export interface SplitRows {
  readonly length: number
  readonly rows: readonly DatasetRow[]
  readonly origins: readonly string[]
  fieldsOf(index: number): Fields
}

export interface FoldOptions {
  /** Decides which row goes where. Default: 0. */
  readonly seed?: number | undefined
  /**
   * A field with a class, such as 'label': each part gets its share of every class. Default: rows are drawn regardless.
   */
  readonly stratify?: string | undefined
  /** A field, such as 'patient': rows that have the same there stay together in one part. Default: each row by itself. */
  readonly groupBy?: string | undefined
}

export interface SplitOptions extends FoldOptions {
  /** Part of the rows for validation: a fraction below 1, or a number of rows. Default: 0. */
  readonly validation?: number | undefined
  /** Part of the rows for testing: a fraction below 1, or a number of rows. Default: 0. */
  readonly test?: number | undefined
  /**
   * A field with a time (a date as in 2024-05-31T12:00, or a number): the latest rows are for testing, those before
   * them for validation. Default: rows are drawn at random.
   */
  readonly orderBy?: string | undefined
}

/** How many rows each part should get. */
export interface PartSizes {
  readonly validation: number
  readonly test: number
}

/** The rows of each part, by index. */
export interface Parts {
  readonly validation: readonly number[]
  readonly test: readonly number[]
}

/** @throws AttuneError 'invalid-option' where a part is no fraction or count, or nothing would be left to train on */
export function partSizes({ validation = 0, test = 0 }: SplitOptions, length: number): PartSizes {
  const sizes = { validation: partSize('validation', validation, length), test: partSize('test', test, length) }
  if (sizes.validation + sizes.test < length || (length === 0 && validation === 0 && test === 0)) return sizes
  throw new AttuneError(
    'invalid-option',
    `${sizes.validation} rows for validation and ${sizes.test} for testing leave none of ${length} to train on`,
    { where: sizes.validation > 0 ? 'options.validation' : 'options.test' },
  )
}

function partSize(name: string, part: number, length: number): number {
  if (part === 0) return 0
  if (part > 0 && part < 1) return Math.max(1, Math.round(part * length))
  if (Number.isInteger(part) && part >= 1) return part
  throw new AttuneError(
    'invalid-option',
    `options.${name} should be a fraction from 0 to 1 or a number of rows, received ${part}`,
    { where: `options.${name}` },
  )
}
