/** Where the rows of a config are and how each of its parts is read, before any row is. */
import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { DatasetConfig, DatasetFiles, DatasetPart, RowSource } from './dataset-config.js'
import { resolveOptions, type LoadDatasetOptions } from './load-dataset.js'
import { hubDatasetOf } from './sources/hub-dataset.js'
import { resolveSplits } from './sources/resolve-files.js'
import { splitNames, type SplitName } from './sources/split-paths.js'
import type { SplitOptions } from './splits/split-options.js'

/** Files that are read together, or rows of a program. */
export interface ConfigSource {
  readonly rows: readonly string[] | RowSource
  readonly options: LoadDatasetOptions
}

export interface ConfigSources {
  readonly train: readonly ConfigSource[]
  /** A number: how many rows, or which part of them, are drawn of those to train on. */
  readonly validation: readonly ConfigSource[] | number
  readonly test: readonly ConfigSource[] | number
  /** How they are drawn. */
  readonly drawing: Omit<SplitOptions, 'validation' | 'test'>
}

/** How rows are read and drawn, not where they are. */
export type DatasetOverrides = Partial<Omit<DatasetConfig, 'data' | 'validation' | 'test' | 'folder' | 'hub'>>

export interface ConfigOptions {
  /** Wins over the config, and over the options that a part of it has of its own. Default: nothing does. */
  readonly overrides?: DatasetOverrides | undefined
  /** Where the config says nothing of them. */
  readonly hub?: LoadDatasetOptions['hub']
  readonly onNote?: LoadDatasetOptions['onNote']
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
  onBadRow: true,
  onNote: true,
  revision: true,
  config: true,
  hub: true,
} satisfies Record<keyof DatasetPart, true>

const drawingKeys = {
  stratify: true,
  groupBy: true,
  orderBy: true,
  splitSeed: true,
} satisfies Partial<Record<keyof DatasetConfig, true>>

const readingNames = Object.keys(readingKeys)
const configNames = [...readingNames, ...Object.keys(drawingKeys), 'validation', 'test', 'folder']

/** The options that are overrides of a config, where they are given. */
export function overridesAmong(options: DatasetOverrides): DatasetOverrides {
  const places = ['data', 'hub']
  const given = Object.entries(options).filter(([key, value]) => {
    return value !== undefined && !places.includes(key) && (key in readingKeys || key in drawingKeys)
  })
  return Object.fromEntries(given)
}

/**
 * @param name what messages call the config
 * @throws AttuneError 'file-not-found', 'invalid-option' (an unknown field), 'empty-dataset' (an empty list of files)
 */
export async function sourcesOfConfig(
  config: DatasetConfig,
  name: string,
  { overrides = {}, ...usual }: ConfigOptions,
): Promise<ConfigSources> {
  checkConfig(config, name)
  const { data, validation, test, folder = '', ...rest } = config
  const {
    stratify,
    groupBy,
    orderBy,
    splitSeed: seed,
    ...winning
  } = { ...pickDrawing(rest), ...overridesAmong(overrides) }
  const options = { ...usual, ...omitDrawing(rest) }
  const place: Place = { options, winning, name, pathOf: (path) => datasetFrom(folder, path) }
  const parts = await partsOfFolder(data, validation ?? test, place)
  const held = (part: DatasetConfig['validation'], split: SplitName): readonly ConfigSource[] | number =>
    typeof part === 'number' ? part : part === undefined ? (parts?.[split] ?? []) : sourcesOf(part, place)
  return {
    train: parts?.train ?? sourcesOf(data, place),
    validation: held(validation, 'validation'),
    test: held(test, 'test'),
    drawing: { stratify, groupBy, orderBy, seed },
  }
}

/** @throws AttuneError 'invalid-option' */
export function checkConfig(config: DatasetConfig, name: string): void {
  checkKeys(config, configNames, name)
  const { data } = config as { readonly data?: unknown }
  if (data !== undefined && typeof data !== 'number') return
  throw new AttuneError('invalid-option', `${name}: data is missing: it says where the rows are`, { where: name })
}

/** A path counts from the folder; where there is nothing, an id of the Hub stays one. */
export function datasetFrom(folder: string, source: string): string {
  if (source === '-' || isAbsolute(source) || folder === '') return source
  const path = join(folder, source)
  return !existsSync(path) && hubDatasetOf(source) !== undefined ? source : path
}

interface Place {
  /** Of the config. */
  readonly options: LoadDatasetOptions
  readonly winning: LoadDatasetOptions
  readonly name: string
  readonly pathOf: (path: string) => string
}

function sourcesOf(files: DatasetFiles, place: Place): readonly ConfigSource[] {
  const { options: usual, winning, name, pathOf } = place
  const options = { ...usual, ...winning }
  if (typeof files === 'string') return [{ rows: [pathOf(files)], options }]
  if (typeof files === 'function') return [{ rows: files, options }]
  if (Array.isArray(files)) {
    const list = files as readonly DatasetFiles[]
    if (list.length === 0) {
      throw new AttuneError('empty-dataset', `${name}: there are no files to read`, { where: name })
    }
    // Paths alone are read together: the first row of the first file says what all are.
    if (list.every((path) => typeof path === 'string')) return [{ rows: list.map(pathOf), options }]
    return list.flatMap((part) => sourcesOf(part, place))
  }
  const { data, ...own } = files as DatasetPart
  checkKeys(files, readingNames, name)
  return sourcesOf(data, { ...place, options: { ...usual, ...own } })
}

/** All splits of a folder, where that is what the config names and it parts the rows in no other way. */
async function partsOfFolder(
  data: DatasetFiles,
  held: DatasetFiles | number | undefined,
  place: Place,
): Promise<Partial<Record<SplitName, readonly ConfigSource[]>> | undefined> {
  const options = { ...place.options, ...place.winning }
  if (typeof data !== 'string' || held !== undefined || options.split !== undefined) return undefined
  const rows = [place.pathOf(data)]
  const splits = await resolveSplits(place.pathOf(data), resolveOptions(options))
  if (splits?.train === undefined) return undefined
  const found = splitNames.filter((split) => splits[split] !== undefined)
  return Object.fromEntries(found.map((split) => [split, [{ rows, options: { ...options, split } }]]))
}

function pickDrawing({ stratify, groupBy, orderBy, splitSeed }: DatasetOverrides): DatasetOverrides {
  return { stratify, groupBy, orderBy, splitSeed }
}

function omitDrawing(options: DatasetOverrides): LoadDatasetOptions {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !(key in drawingKeys)))
}

function checkKeys(config: object, known: readonly string[], name: string): void {
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue
    throw new AttuneError('invalid-option', `${name}: ${key} is no option.${suggestion(key, known)}`, {
      where: `${name}: ${key}`,
    })
  }
}
