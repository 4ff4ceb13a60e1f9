import { dirname, isAbsolute, join } from 'node:path'

import { readConfigFile } from '../config-file.js'
import type { RowProblem } from '../errors.js'
import { checkConfig, sourcesOfConfig, type ConfigOptions, type ConfigSource } from './config-sources.js'
import type { DatasetConfig } from './dataset-config.js'
import { Dataset, type DatasetSplit } from './dataset.js'
import { loadDataset } from './load-dataset.js'

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
