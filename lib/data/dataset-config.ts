import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

import { readConfigFile } from '../config-file.js'
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import { Dataset, type DatasetSplit } from './dataset.js'
import { loadDataset, resolveOptions, type LoadDatasetOptions } from './load-dataset.js'
import { hubDatasetOf } from './sources/hub-dataset.js'
import { resolveSplits } from './sources/resolve-files.js'
import type { SplitName } from './sources/split-paths.js'
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

const readingKeys = {
  data: true,
  split: true,
  shape: true,
  fields: true,
  map: true,
  roles: true,
  sourceLanguage: true,
  targetLanguage: true,
  format: true,
  columns: true,
  quoted: true,
  delimiter: true,
  at: true,
  keyField: true,
  textRows: true,
  encoding: true,
  maxRowBytes: true,
  revision: true,
  config: true,
  hub: true,
} satisfies Partial<Record<keyof DatasetPart, true>>

const configKeys = {
  validation: true,
  test: true,
  folder: true,
  stratify: true,
  groupBy: true,
  orderBy: true,
  splitSeed: true,
} satisfies Record<Exclude<keyof DatasetConfig, keyof DatasetPart>, true>

// Not every version of the loader has these.
const readingNames = [...Object.keys(readingKeys), 'onBadRow', 'onNote']

/**
 * Loads the dataset that a config names: a file (JSON, or a module whose default export it is), whose paths count from
 * its folder, or the config itself. Parts that it does not name are empty.
 * @throws AttuneError 'file-not-found', 'invalid-option' (an unknown field), and as `loadDataset` and `Dataset.split` do
 */
export async function loadDatasetConfig(
  config: string | DatasetConfig,
  usual: Pick<LoadDatasetOptions, 'hub'> = {},
): Promise<DatasetSplit> {
  const read = typeof config === 'string' ? ((await readConfigFile(config)) as unknown as DatasetConfig) : config
  const name = typeof config === 'string' ? config : 'config'
  checkKeys(read, [...readingNames, ...Object.keys(configKeys)], name)
  const { data, validation, test, folder = '', stratify, groupBy, orderBy, splitSeed, ...options } = read
  if (typeof data === 'number' || (data as unknown) === undefined) {
    throw new AttuneError('invalid-option', `${name}: data is missing: it says where the rows are`, { where: name })
  }
  const base = typeof config === 'string' ? join(dirname(config), folder) : folder
  const files: Loading = {
    options: { ...usual, ...options },
    name,
    pathOf: (path) => datasetFrom(base, path),
  }
  const folderParts = await partsOfFolder(data, validation ?? test, files)
  const rows = folderParts?.train ?? (await loadFiles(data, files))
  const none = rows.slice(0, 0)
  const held = async (part: DatasetFiles | number | undefined, split: SplitName): Promise<Dataset> =>
    part === undefined || typeof part === 'number' ? (folderParts?.[split] ?? none) : loadFiles(part, files)
  const [apart, tested] = [await held(validation, 'validation'), await held(test, 'test')]
  if (typeof validation !== 'number' && typeof test !== 'number')
    return { train: rows, validation: apart, test: tested }
  const parts = rows.split({
    validation: typeof validation === 'number' ? validation : 0,
    test: typeof test === 'number' ? test : 0,
    stratify,
    groupBy,
    orderBy,
    seed: splitSeed,
  })
  return {
    train: parts.train,
    validation: typeof validation === 'number' ? parts.validation : apart,
    test: typeof test === 'number' ? parts.test : tested,
  }
}

/** A path counts from the folder; where there is nothing, an id of the Hub stays one. */
export function datasetFrom(folder: string, source: string): string {
  if (source === '-' || isAbsolute(source) || folder === '') return source
  const path = join(folder, source)
  return !existsSync(path) && hubDatasetOf(source) !== undefined ? source : path
}

interface Loading {
  readonly options: LoadDatasetOptions
  /** The config, for messages. */
  readonly name: string
  readonly pathOf: (path: string) => string
}

async function loadFiles(files: DatasetFiles, loading: Loading): Promise<Dataset> {
  const { options, name, pathOf } = loading
  if (typeof files === 'string') return loadDataset(pathOf(files), options)
  if (typeof files === 'function') return Dataset.fromAsync(files(), options)
  if (Array.isArray(files)) {
    const list = files as readonly DatasetFiles[]
    // Paths alone are read together: the first row of the first file says what all are.
    if (list.every((path) => typeof path === 'string')) return loadDataset(list.map(pathOf), options)
    const parts: Dataset[] = []
    for (const part of list) parts.push(await loadFiles(part, loading))
    const [first, ...others] = parts
    if (first !== undefined) return first.concat(...others)
    throw new AttuneError('empty-dataset', `${name}: there are no files to read`, { where: name })
  }
  const { data, ...own } = files as DatasetPart
  checkKeys(files, readingNames, name)
  return loadFiles(data, { ...loading, options: { ...options, ...own } })
}

/** All splits of a folder, where that is what the config names and it parts the rows in no other way. */
async function partsOfFolder(
  data: DatasetFiles,
  held: DatasetFiles | number | undefined,
  { options, pathOf }: Loading,
): Promise<Partial<Record<SplitName, Dataset>> | undefined> {
  if (typeof data !== 'string' || held !== undefined || options.split !== undefined) return undefined
  const splits = await resolveSplits(pathOf(data), resolveOptions(options))
  if (splits?.train === undefined) return undefined
  const parts: Partial<Record<SplitName, Dataset>> = {}
  for (const split of Object.keys(splits) as SplitName[]) {
    parts[split] = await loadDataset(pathOf(data), { ...options, split })
  }
  return parts
}

function checkKeys(config: object, known: readonly string[], name: string): void {
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue
    throw new AttuneError('invalid-option', `${name}: ${key} is no option.${suggestion(key, known)}`, {
      where: `${name}: ${key}`,
    })
  }
}
