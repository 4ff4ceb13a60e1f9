/** How the files of a command's rows are read, and what there is to say about it. */
import { existsSync } from 'node:fs'
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import type { DatasetOverrides } from '../data/config-sources.js'
import type { DatasetConfig, DatasetPart } from '../data/dataset-config.js'
import { loadDatasetConfig, type ConfiguredDataset } from '../data/load-dataset-config.js'
import { loadDataset } from '../data/load-dataset.js'
import type { TrainingData } from '../data/prepare-data.js'
import { shapeNames } from '../data/shapes.js'
import { splitNamesOf } from '../data/sources/resolve-files.js'
import type { SplitName } from '../data/sources/split-paths.js'
import { sourceFormats } from '../data/sources/source-options.js'
import { AttuneError, type RowProblem } from '../errors.js'
import type { SplitOptions } from '../data/splits/split-options.js'
import type { HubOptions } from '../hub/hub-options.js'
import { omit, settleOptions, type OptionTable, type Settled } from '../options.js'
import { splitOptions } from './run-options.js'
import type { Terminal } from './terminal.js'

const name = z.string().min(1)

export const readingOptions = {
  format: { type: z.enum(sourceFormats), description: 'Of the files; absent: as what is in them and their names say' },
  split: {
    type: name,
    description:
      'Which part of a folder with files named train, validation, test, or of a dataset of the Hub; absent: as the command needs',
  },
  subset: {
    type: name,
    description: 'Which configuration of a dataset of the Hub that has several',
  },
  shape: { type: z.enum(shapeNames), description: 'What the rows are; absent: as the first row shows' },
  fields: {
    type: z.record(name, name).describe('an object of names'),
    description: 'What the rows call a field: {"text": "sentence", "label": "category"}',
    flag: 'json',
  },
  sourceLanguage: { type: name, description: 'Of translations: which language is the source' },
  targetLanguage: { type: name, description: 'Of translations: which language is the target' },
  columns: {
    type: z.array(name).min(1).describe('a list of names'),
    description: 'Names of the columns where no header has them, or of JSON rows that are lists',
    flag: 'names',
  },
  quoted: { type: z.boolean(), description: 'Cells of CSV and TSV files may stand in double quotes', default: true },
  delimiter: { type: name, description: 'Parts the cells of CSV files; absent: a comma, a tab in TSV', flag: 'text' },
  at: { type: name, description: 'Where the rows are in a JSON file, as data.rows', flag: 'path' },
  keyField: {
    type: name,
    description: 'The rows of a JSON file are the values of an object, whose names become this field',
    flag: 'field',
  },
  textRows: { type: z.enum(['line', 'paragraph', 'file']), description: 'What is a row in plain text; absent: a line' },
  encoding: { type: name, description: 'Of the files, as windows-1252; absent: utf-8' },
  maxRowBytes: { type: z.int().min(1), description: 'Longer rows are refused; absent: 64 MiB' },
  onBadRow: {
    type: z.enum(['error', 'skip']),
    description: 'Rows that cannot be read: refused, or left out and listed',
    default: 'error' as const,
  },
} satisfies OptionTable

export type ReadingOptions = Settled<typeof readingOptions> & { readonly hub?: HubOptions }

const listed = 10

/** The rows of files, patterns and folders. What was left out, and what is odd, is said. */
export async function readRows(
  paths: readonly string[],
  { subset: config, ...options }: ReadingOptions,
  { err }: Pick<Terminal, 'err'>,
): Promise<Dataset> {
  const dataset = await loadDataset(paths, { ...options, config, onNote: ({ message }) => err(`note: ${message}\n`) })
  tellSkipped(dataset.skipped, err)
  return dataset
}

function tellSkipped(skipped: readonly RowProblem[], err: Terminal['err']): void {
  if (skipped.length === 0) return
  err(`${skipped.length} rows that cannot be used are left out:\n`)
  for (const { origin, what } of skipped.slice(0, listed)) err(`  ${origin}: ${what}\n`)
  if (skipped.length > listed) err(`  … and ${skipped.length - listed} more\n`)
}

export interface TrainingReading {
  readonly reading: ReadingOptions
  readonly seed: number | undefined
  /** How rows for validation are drawn. Default: at random. */
  readonly drawing?: Omit<SplitOptions, 'validation' | 'test' | 'seed'> | undefined
  readonly terminal: Pick<Terminal, 'err'>
}

/** A config in a file, and what beside it is asked for. */
export interface ConfiguredReading {
  readonly config: string
  /** As flags and files of options say it: it wins. */
  readonly overrides: DatasetOverrides
  readonly hub: HubOptions
}

const overridingOptions = { ...readingOptions, ...omit(splitOptions, 'dataConfig') }

/**
 * How rows are read and drawn, as far as it was given: no defaults, which would win over a config too.
 * @throws AttuneError 'invalid-option'
 */
export function overridesOf(given: Readonly<Record<string, unknown>>): DatasetOverrides {
  const known = Object.entries(given).filter(([key]) => Object.hasOwn(overridingOptions, key))
  const settled = settleOptions(overridingOptions, Object.fromEntries(known))
  const own = Object.entries(settled).filter(([key]) => known.some(([name]) => name === key))
  return Object.fromEntries(own.map(([key, value]) => [key === 'subset' ? 'config' : key, value]))
}

/** The rows that a config names, to train on and to validate on. */
export async function readConfiguredRows(
  reading: ConfiguredReading,
  terminal: Pick<Terminal, 'err'>,
): Promise<{ train: Dataset; validation: Dataset | undefined }> {
  const { train, validation } = await readConfigured(reading, terminal)
  return { train, validation: validation.length === 0 ? undefined : validation }
}

/** The rows to measure on that a config names: those for testing, else those for validation, else all. */
export async function readConfiguredTestRows(
  reading: ConfiguredReading,
  terminal: Pick<Terminal, 'err'>,
): Promise<Dataset> {
  const parts = await readConfigured(reading, terminal)
  const part = (['test', 'validation', 'train'] as const).find((name) => parts[name].length > 0) ?? 'train'
  terminal.err(`data: the ${parts[part].length} rows of ${reading.config} under ${part === 'train' ? 'data' : part}\n`)
  return parts[part]
}

async function readConfigured(
  { config, overrides, hub }: ConfiguredReading,
  { err }: Pick<Terminal, 'err'>,
): Promise<ConfiguredDataset> {
  const parts = await loadDatasetConfig(config, {
    overrides,
    hub,
    onNote: ({ message }) => err(`note: ${message}\n`),
  })
  tellSkipped(parts.skipped, err)
  return parts
}

/** Files as a command names them, as the config that says the same. */
export async function configOfFiles(
  data: readonly string[],
  asked: number | readonly string[] | undefined,
  reading: ReadingOptions,
): Promise<DatasetConfig> {
  const part = (paths: readonly string[], { subset: config, ...options }: ReadingOptions): DatasetPart => {
    return { ...options, config, data: paths }
  }
  const own = typeof asked === 'number' ? undefined : await validationSource(data, asked, reading)
  const validation = own === undefined ? asked : part(own.paths, own.reading)
  return { data: part(data, reading), validation }
}

/** @throws AttuneError 'invalid-option' where rows are named beside a config that names them */
export function checkDataConfig(config: string | undefined, beside: unknown): void {
  if (config === undefined || beside === undefined) return
  const message = 'data and validation stand in the file of dataConfig: leave them out beside it'
  throw new AttuneError('invalid-option', message, { where: 'options.dataConfig' })
}

/** Rows to train on and rows to validate on: as asked, else the validation split of a folder that has one. */
export async function readTrainingRows(
  data: readonly string[],
  asked: number | readonly string[] | undefined,
  { reading, seed, drawing, terminal }: TrainingReading,
): Promise<{ train: Dataset; validation: TrainingData | undefined }> {
  const train = await readRows(data, reading, terminal)
  if (typeof asked === 'number') {
    const parts = train.split({ ...drawing, validation: asked, seed })
    return { train: parts.train, validation: parts.validation }
  }
  return { train, validation: await readValidationRows(data, asked, { reading, terminal }) }
}

/** Rows to validate on that are in files of their own: those asked for, else the validation split of the folder of the others. */
export async function readValidationRows(
  data: readonly string[],
  asked: readonly string[] | undefined,
  { reading, terminal }: { readonly reading: ReadingOptions; readonly terminal: Pick<Terminal, 'err'> },
): Promise<Dataset | undefined> {
  const source = await validationSource(data, asked, reading)
  if (source === undefined) return undefined
  const validation = await readRows(source.paths, source.reading, terminal)
  if (asked === undefined) {
    terminal.err(`validation: the ${validation.length} rows of the validation split of ${data.join(', ')}\n`)
  }
  return validation
}

async function validationSource(
  data: readonly string[],
  asked: readonly string[] | undefined,
  reading: ReadingOptions,
): Promise<{ readonly paths: readonly string[]; readonly reading: ReadingOptions } | undefined> {
  if (asked !== undefined) {
    // A folder named for it means its validation part, where it has parts.
    const own = readingOf(asked, reading)
    return { paths: asked, reading: { ...own, split: await onlySplit(asked, ['validation', 'test'], own) } }
  }
  const split = reading.split === undefined ? await onlySplit(data, ['validation'], reading) : undefined
  return split === undefined ? undefined : { paths: data, reading: { ...reading, split } }
}

/** Rows to measure on: of a folder with splits those for testing, else those for validation. */
export async function readTestRows(
  paths: readonly string[],
  reading: ReadingOptions,
  terminal: Pick<Terminal, 'err'>,
): Promise<Dataset> {
  const split = reading.split ?? (await onlySplit(paths, ['test', 'validation'], reading))
  const dataset = await readRows(paths, { ...reading, split }, terminal)
  if (split !== reading.split) terminal.err(`data: the ${dataset.length} rows of the ${split} split\n`)
  return dataset
}

/** The options for rows beside the main ones: a subset is none of files here. */
export function readingOf(paths: readonly string[], reading: ReadingOptions): ReadingOptions {
  return paths.every((path) => existsSync(path)) ? { ...reading, subset: undefined } : reading
}

/** The first of the splits that the one folder has; undefined where the paths are not one folder with splits. */
async function onlySplit(
  paths: readonly string[],
  names: readonly SplitName[],
  { subset: config, hub }: ReadingOptions,
): Promise<SplitName | undefined> {
  const [folder, ...others] = paths
  if (folder === undefined || others.length > 0) return undefined
  const found = await splitNamesOf(folder, { config, hub })
  return names.find((name) => found.includes(name))
}
