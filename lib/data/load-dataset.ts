import { AttuneError } from '../errors.js'
import { ColumnsSeen } from './columns-seen.js'
import { Dataset } from './dataset.js'
import { RowReader, type RowOptions } from './row-reader.js'
import { readSource } from './sources/read-source.js'
import type { HubDatasetOptions } from './sources/hub-dataset.js'
import { resolveFiles, resolveSplits, type ResolveOptions } from './sources/resolve-files.js'
import type { SourceFile, SourceOptions } from './sources/source-options.js'
import { splitNames, type SplitName } from './sources/split-paths.js'

export interface LoadDatasetOptions
  extends RowOptions, Omit<SourceOptions, 'numeric' | 'onColumns'>, HubDatasetOptions {
  /**
   * Which part of a folder or of a dataset of the Hub that has splits; of the latter any that its README names.
   * Default: 'train' where there are splits, else all files.
   */
  readonly split?: SplitName | (string & {}) | undefined
  /**
   * Is told what is odd and yet can be read, as files whose columns differ: `where` is the file. Default: nobody is.
   */
  readonly onNote?: ((note: { readonly where: string; readonly message: string }) => void) | undefined
}

/** The parts of a folder that it has, by their names. */
export interface DatasetSplits {
  readonly train?: Dataset
  readonly validation?: Dataset
  readonly test?: Dataset
}

/**
 * Reads a dataset from files, in the order given: JSON Lines, JSON, CSV, TSV, Parquet, plain text, compressed by gzip, zstd
 * or xz or not. A path may be a pattern (`data/*.jsonl`), a folder (all its data files, or one split of them) or '-' (standard
 * input); what does not exist here is a dataset of the Hub (`org/name`, `org/name@revision`). The fields of a row say what it is (see `DatasetRow`): all rows have the same.
 * @throws AttuneError 'file-not-found', 'invalid-file', 'empty-dataset' (a file without rows), 'invalid-json',
 * 'invalid-dataset' (missing or wrong fields, mixed shapes, no UTF-8), each naming `file:line`, up to ten lines in one error
 */
export async function loadDataset(
  path: string | readonly string[],
  options: LoadDatasetOptions = {},
): Promise<Dataset> {
  return datasetOf(await resolveFiles(path, resolveOptions(options)), options)
}

/**
 * Reads all splits of a folder whose files, or folders in it, are named train, validation (valid, val, dev) and test, or of a
 * dataset of the Hub.
 * @throws AttuneError as `loadDataset` does; 'file-not-found' where the folder has no splits
 */
export async function loadDatasetSplits(
  folder: string,
  options: Omit<LoadDatasetOptions, 'split'> = {},
): Promise<DatasetSplits> {
  const files = await resolveSplits(folder, resolveOptions(options))
  if (files === undefined) {
    const what = `${folder} has no files named train, validation or test`
    throw new AttuneError('file-not-found', what, { where: folder })
  }
  const splits: Partial<Record<SplitName, Dataset>> = {}
  for (const name of splitNames) {
    const some = files[name]
    if (some !== undefined) splits[name] = await datasetOf(some, options)
  }
  return splits
}

/** Those that choose files. */
export function resolveOptions({ split, revision, config, hub }: LoadDatasetOptions): ResolveOptions {
  return { split, revision, config, hub }
}

async function datasetOf(files: readonly SourceFile[], options: LoadDatasetOptions): Promise<Dataset> {
  if (files.length === 0) throw new AttuneError('empty-dataset', 'there are no files to read', { where: 'path' })
  checkChoice('onBadRow', options.onBadRow, ['error', 'skip'])
  const reader = new RowReader(options)
  const seen = new ColumnsSeen(options.fields)
  const onColumns = seen.see.bind(seen)
  const numeric = numericFields(options)
  const empty: string[] = []
  for (const file of files) {
    const before = reader.seen
    for await (const items of readSource(file, { ...options, numeric, onColumns })) {
      for (const item of items) {
        if (item.code === undefined) reader.add(item.value, item.origin)
        else reader.note(item.code, item.origin, item.what)
      }
    }
    if (reader.seen === before) empty.push(file.name ?? file.path)
  }
  reader.throwIfBad()
  if (empty.length > 0) {
    throw new AttuneError('empty-dataset', `no rows in ${empty.join(', ')}`, { where: empty[0] ?? '' })
  }
  for (const { origin, what } of seen.notes) options.onNote?.({ where: origin, message: `${origin} ${what}` })
  return Dataset.fromReader(reader)
}

/** Columns whose cells may be names or numbers, which only the whole column shows. */
export function numericFields({ fields }: Pick<RowOptions, 'fields'>): string[] {
  return ['label', 'answer_start'].map((name) => fields?.[name] ?? name)
}

/** @throws AttuneError 'invalid-option' */
export function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return
  const list = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new AttuneError('invalid-option', `options.${name} should be ${list}, received '${value}'`, {
    where: `options.${name}`,
  })
}
