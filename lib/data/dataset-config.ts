import { dirname, isAbsolute, join } from 'node:path'

import { readConfigFile } from '../config-file.js'
import type { RowProblem } from '../errors.js'
import { checkConfig, sourcesOfConfig, type ConfigOptions, type ConfigSource } from './config-sources.js'
import { Dataset, type DatasetSplit } from './dataset.js'
import { loadDataset, type LoadDatasetOptions } from './load-dataset.js'
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

/** The parts of a dataset, and what was left out of them. */
export interface ConfiguredDataset extends DatasetSplit {
  /** Rows of all parts that were left out as `onBadRow: 'skip'` asks. */
  readonly skipped: readonly RowProblem[]
}

/**
 * The config in a file: JSON, or a module whose default export it is. Its `folder` is then that of its paths, from here.
 * @throws AttuneError 'file-not-found', 'invalid-json', 'invalid-file', 'invalid-option' (an unknown field)
 */
export async function readDatasetConfig(path: string): Promise<DatasetConfig> {
  const config = (await readConfigFile(path)) as unknown as DatasetConfig
  checkConfig(config, path)
  const { folder = '' } = config
  return { ...config, folder: isAbsolute(folder) ? folder : join(dirname(path), folder) }
}

/**
 * Loads the dataset that a config names: a file (JSON, or a module whose default export it is), whose paths count from
 * its folder, or the config itself. Parts that it does not name are empty.
 * @throws AttuneError 'file-not-found', 'invalid-option' (an unknown field), and as `loadDataset` and `Dataset.split` do
 */
export async function loadDatasetConfig(
  config: string | DatasetConfig,
  options: ConfigOptions = {},
): Promise<ConfiguredDataset> {
  const [read, name] = typeof config === 'string' ? [await readDatasetConfig(config), config] : [config, 'config']
  const { train, validation, test, drawing } = await sourcesOfConfig(read, name, options)
  const rows = await loadSources(train)
  const none = rows.slice(0, 0)
  const load = async (part: readonly ConfigSource[] | number): Promise<Dataset> =>
    typeof part === 'number' || part.length === 0 ? none : loadSources(part)
  const [apart, tested] = [await load(validation), await load(test)]
  const skipped = [rows, apart, tested].flatMap((part) => part.skipped)
  if (typeof validation !== 'number' && typeof test !== 'number') {
    return { train: rows, validation: apart, test: tested, skipped }
  }
  const parts = rows.split({
    ...drawing,
    validation: typeof validation === 'number' ? validation : 0,
    test: typeof test === 'number' ? test : 0,
  })
  return {
    train: parts.train,
    validation: typeof validation === 'number' ? parts.validation : apart,
    test: typeof test === 'number' ? parts.test : tested,
    skipped,
  }
}

async function loadSources(sources: readonly ConfigSource[]): Promise<Dataset> {
  const parts: Dataset[] = []
  for (const { rows, options } of sources) {
    parts.push(await (typeof rows === 'function' ? Dataset.fromAsync(rows(), options) : loadDataset(rows, options)))
  }
  const [first, ...others] = parts as [Dataset, ...Dataset[]]
  return first.concat(...others)
}
