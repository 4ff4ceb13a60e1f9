/** How the files of a command's rows are read, and what there is to say about it. */
import { z } from 'zod'
import type { Dataset } from '../data/dataset.js'
import { loadDatasetConfig } from '../data/dataset-config.js'
import { loadDataset, type LoadDatasetOptions } from '../data/load-dataset.js'
import type { TrainingData } from '../data/prepare-data.js'
import { shapeNames } from '../data/shapes.js'
import { resolveSplits, splitNames, type SplitName } from '../data/sources/resolve-files.js'
import { sourceFormats } from '../data/sources/source-options.js'
import { AttuneError } from '../errors.js'
import type { SplitOptions } from '../data/splits/split-options.js'
import type { OptionTable, Settled } from '../options.js'
import type { Terminal } from './terminal.js'

const name = z.string().min(1)

export const readingOptions = {
  format: { type: z.enum(sourceFormats), description: 'Of the files; absent: as what is in them and their names say' },
  split: {
    type: z.enum(splitNames),
    description: 'Which part of a folder with files named train, validation, test; absent: as the command needs',
  },
  shape: { type: z.enum(shapeNames), description: 'What the rows are; absent: as the first row shows' },
  fields: {
    type: z.record(name, name).describe('an object of names'),
    description: 'What the rows call a field: {"text": "sentence", "label": "category"}',
    flag: 'json',
  },
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

export type ReadingOptions = Settled<typeof readingOptions>

const listed = 10

/** The rows of files, patterns and folders. What was left out, and what is odd, is said. */
export async function readRows(
  paths: readonly string[],
  options: LoadDatasetOptions,
  { err }: Pick<Terminal, 'err'>,
): Promise<Dataset> {
  const dataset = await loadDataset(paths, { ...options, onNote: ({ message }) => err(`note: ${message}\n`) })
  const { skipped } = dataset
  if (skipped.length > 0) {
    err(`${skipped.length} rows that cannot be used are left out:\n`)
    for (const { origin, what } of skipped.slice(0, listed)) err(`  ${origin}: ${what}\n`)
    if (skipped.length > listed) err(`  … and ${skipped.length - listed} more\n`)
  }
  return dataset
}

export interface TrainingReading {
  readonly reading: ReadingOptions
  readonly seed: number | undefined
  /** How rows for validation are drawn. Default: at random. */
  readonly drawing?: Omit<SplitOptions, 'validation' | 'test' | 'seed'> | undefined
  readonly terminal: Pick<Terminal, 'err'>
}

/** The rows that a config names, to train on and to validate on. */
export async function readConfiguredRows(config: string): Promise<{ train: Dataset; validation: Dataset | undefined }> {
  const { train, validation } = await loadDatasetConfig(config)
  return { train, validation: validation.length === 0 ? undefined : validation }
}

/** The rows to measure on that a config names: those for testing, else those for validation, else all. */
export async function readConfiguredTestRows(config: string, { err }: Pick<Terminal, 'err'>): Promise<Dataset> {
  const parts = await loadDatasetConfig(config)
  const part = (['test', 'validation', 'train'] as const).find((name) => parts[name].length > 0) ?? 'train'
  err(`data: the ${parts[part].length} rows of ${config} under ${part === 'train' ? 'data' : part}\n`)
  return parts[part]
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
  if (asked !== undefined) {
    // A folder named for it means its validation part, where it has parts.
    const split = await onlySplit(asked, ['validation', 'test'])
    return readRows(asked, { ...reading, split }, terminal)
  }
  const split = await onlySplit(data, ['validation'])
  if (split === undefined || reading.split !== undefined) return undefined
  const validation = await readRows(data, { ...reading, split }, terminal)
  terminal.err(`validation: the ${validation.length} rows of the validation split of ${data.join(', ')}\n`)
  return validation
}

/** Rows to measure on: of a folder with splits those for testing, else those for validation. */
export async function readTestRows(
  paths: readonly string[],
  reading: ReadingOptions,
  terminal: Pick<Terminal, 'err'>,
): Promise<Dataset> {
  const split = reading.split ?? (await onlySplit(paths, ['test', 'validation']))
  const dataset = await readRows(paths, { ...reading, split }, terminal)
  if (split !== reading.split) terminal.err(`data: the ${dataset.length} rows of the ${split} split\n`)
  return dataset
}

/** The first of the splits that the one folder has; undefined where the paths are not one folder with splits. */
async function onlySplit(paths: readonly string[], names: readonly SplitName[]): Promise<SplitName | undefined> {
  const [folder, ...others] = paths
  if (folder === undefined || others.length > 0) return undefined
  const splits = await resolveSplits(folder)
  return names.find((name) => splits?.[name] !== undefined)
}
