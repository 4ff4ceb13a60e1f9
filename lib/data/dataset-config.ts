import type { LoadDatasetOptions } from './load-dataset.js'
import type { DatasetRow, RowAlias } from './rows.js'

/** Rows of the program's own: what makes them, each time anew. */
export type RowSource = () => Iterable<DatasetRow | RowAlias> | AsyncIterable<DatasetRow | RowAlias>

/** Files, with options of their own where they differ from the other files'. */
export interface DatasetPart extends LoadDatasetOptions {
  readonly data: DatasetFiles
}

/** A path, pattern or folder; one with options; rows of a program; a list of these, in their order. */
export type DatasetFiles = string | DatasetPart | RowSource | readonly (string | DatasetPart | RowSource)[]

/** A dataset in a few lines: where its rows are, how they are read, and what is kept apart of them. */
export interface DatasetConfig extends LoadDatasetOptions {
  /** The rows to train on. A folder with files named train, validation and test gives all three. */
  readonly data: DatasetFiles
  /** Rows to validate on, or how many of `data`: a fraction or a number. Default: none. */
  readonly validation?: DatasetFiles | number | undefined
  /** Rows to test on, or how many of `data`: a fraction or a number. Default: none. */
  readonly test?: DatasetFiles | number | undefined
  /** The folder that paths count from; itself from the config's. Default: the folder of the config. */
  readonly folder?: string | undefined
  /** Parts by shares of classes, with whole groups, by time: see `SplitOptions`. Default: at random. */
  readonly stratify?: string | undefined
  readonly groupBy?: string | undefined
  readonly orderBy?: string | undefined
  /** Decides which row goes where. Default: 0. */
  readonly splitSeed?: number | undefined
}
