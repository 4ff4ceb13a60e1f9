/** Datasets of the Hub: which source names one, which of its files hold a split, and their copies in the cache. */
import { basename, join } from 'node:path'

import picomatch from 'picomatch'

import { AttuneError } from '../../errors.js'
import { settleHubOptions } from '../../hub/hub-options.js'
import type { HubSourceOptions } from '../../hub/local-copy.js'
import { defaultRevision, namesTheHub, parseRepository, type Repository } from '../../hub/repository.js'
import { fetchSnapshot, type RepositoryFiles } from '../../hub/snapshot.js'
import type { CardConfig, CardSplit } from './dataset-card.js'
import { formatOfName } from './file-format.js'
import type { SourceFile } from './source-options.js'
import {
  choosePaths,
  dataPathsAmong,
  inOrder,
  noSuchSplit,
  ofOneFormat,
  splitNames,
  splitOf,
  splitPathsAmong,
  type SplitName,
} from './split-paths.js'

export interface HubDatasetOptions extends HubSourceOptions {
  /** Which configuration (subset) of a dataset on the Hub that has several. @default the one that it says is the default */
  readonly config?: string | undefined
}

/** A dataset, or some files of it. */
export interface HubDataset {
  readonly repository: Repository
  /** Path or pattern of the files; undefined: as the dataset says. */
  readonly pattern: string | undefined
}

/** Of a split of the README: what it is called, and its files. */
interface NamedSplit {
  readonly name: string
  readonly paths: readonly string[]
}

// As huggingface_hub reads addresses: a revision ends at the next slash, but for those that begin with refs/.
const address = /^(hf:\/\/datasets\/[^/@]+\/[^/@]+(?:@(?:refs\/(?:convert|pr)\/)?[^/]+)?)\/(.+)$/

/**
 * What a source that is no path here names on the Hub: `org/name`, `org/name@revision`, `hf://datasets/org/name/data/*.jsonl`.
 * A bare word, and what is called like a file of data, is a path that is missing.
 */
export function hubDatasetOf(source: string, revision?: string): HubDataset | undefined {
  const meant = namesTheHub(source)
  if (!meant && (!source.includes('/') || formatOfName(source) !== undefined)) return undefined
  const [, base = source, pattern] = address.exec(source) ?? []
  const repository = parseRepository(meant ? base.replace(/%2f/gi, '/') : base, 'dataset', revision)
  return repository === undefined ? undefined : { repository, pattern }
}

/** The files of one split. @throws AttuneError 'file-not-found', 'invalid-file', 'invalid-option', or of the Hub */
export async function filesOfHubDataset(
  dataset: HubDataset,
  split: string | undefined,
  usual: SplitName,
  options: HubDatasetOptions,
): Promise<readonly SourceFile[]> {
  let chosen: readonly string[] = []
  const choose = async (files: RepositoryFiles): Promise<readonly string[]> => {
    chosen = await chooseSplit(files, dataset, split, usual, options.config)
    return chosen
  }
  const root = await fetchSnapshot(dataset.repository, choose, await settleHubOptions(options.hub))
  return chosen.map((path) => sourceFile(root, dataset, path))
}

/** Which of the three splits it has; none of its files is fetched. @throws AttuneError as `filesOfHubDataset` does */
export async function splitNamesOfHubDataset(dataset: HubDataset, options: HubDatasetOptions): Promise<SplitName[]> {
  let names: SplitName[] = []
  const choose = async (files: RepositoryFiles): Promise<readonly string[]> => {
    names = (await chooseSplits(files, dataset, options.config)).map(([name]) => name)
    return []
  }
  await fetchSnapshot(dataset.repository, choose, await settleHubOptions(options.hub))
  return names
}

/** The files of every split that it has of the three. @throws AttuneError as `filesOfHubDataset` does */
export async function splitsOfHubDataset(
  dataset: HubDataset,
  options: HubDatasetOptions,
): Promise<Partial<Record<SplitName, readonly SourceFile[]>>> {
  let chosen: (readonly [SplitName, readonly string[]])[] = []
  const choose = async (files: RepositoryFiles): Promise<readonly string[]> => {
    chosen = await chooseSplits(files, dataset, options.config)
    return chosen.flatMap(([, paths]) => paths)
  }
  const root = await fetchSnapshot(dataset.repository, choose, await settleHubOptions(options.hub))
  return Object.fromEntries(
    chosen.map(([name, paths]) => [name, paths.map((path) => sourceFile(root, dataset, path))] as const),
  )
}

function sourceFile(root: string, { repository }: HubDataset, path: string): SourceFile {
  return { path: join(root, path), name: `${addressOf(repository)}/${path}` }
}

function addressOf({ id, revision }: Repository): string {
  const written = /^refs\/(?:convert|pr)\/[^/]+$/.test(revision) ? revision : revision.replaceAll('/', '%2F')
  return `hf://datasets/${id}${revision === defaultRevision ? '' : `@${written}`}`
}

async function chooseSplit(
  files: RepositoryFiles,
  { repository, pattern }: HubDataset,
  split: string | undefined,
  usual: SplitName,
  wanted: string | undefined,
): Promise<readonly string[]> {
  const name = addressOf(repository)
  if (pattern !== undefined) {
    const matched = matching(files.paths, [pattern])
    const ofSplit = split === undefined ? matched : matched.filter((path) => splitOf(path) === split)
    if (ofSplit.length > 0) return ofSplit
    throw new AttuneError('file-not-found', `no file of ${name} matches ${pattern}`, { where: `${name}/${pattern}` })
  }
  const config = await configOf(files, name, wanted)
  if (config?.splits === undefined) return choosePaths(name, dataOf(files, name, config), split, usual)
  const named = splitsOf(files, name, config.splits, config.folder)
  const [only, ...more] = named
  const found = splitNamed(name, named, split ?? usual)
  if (found !== undefined) return found.paths
  // One that is called 'all' or 'full' is not another part than what is asked for.
  if (split === undefined && only !== undefined && more.length === 0 && splitOf(only.name) === undefined) {
    return only.paths
  }
  throw noSuchSplit(
    name,
    split ?? usual,
    named.map((each) => each.name),
  )
}

async function chooseSplits(
  files: RepositoryFiles,
  { repository, pattern }: HubDataset,
  wanted: string | undefined,
): Promise<(readonly [SplitName, readonly string[]])[]> {
  const name = addressOf(repository)
  const config = pattern === undefined ? await configOf(files, name, wanted) : undefined
  if (config?.splits === undefined) {
    const paths = pattern === undefined ? dataOf(files, name, config) : matching(files.paths, [pattern])
    const splits = splitPathsAmong(name, paths) ?? {}
    return splitNames.flatMap((split) => (splits[split] === undefined ? [] : [[split, splits[split]] as const]))
  }
  const named = splitsOf(files, name, config.splits, config.folder)
  return splitNames.flatMap((split) => {
    const found = splitNamed(name, named, split)
    return found === undefined ? [] : [[split, found.paths] as const]
  })
}

/** The configuration asked for; undefined where the README names none. */
async function configOf(
  { paths, read }: RepositoryFiles,
  name: string,
  wanted: string | undefined,
): Promise<CardConfig | undefined> {
  const readme = paths.has('README.md') ? await read('README.md') : ''
  // With the first such dataset: YAML takes long to load.
  const { configsOfCard } = await import('./dataset-card.js')
  const configs = configsOfCard(readme, `${name}/README.md`)
  const names = configs.map((config) => `'${config.name}'`).join(', ')
  if (wanted !== undefined) {
    const found = configs.find((config) => config.name === wanted)
    if (found !== undefined || (configs.length === 0 && wanted === 'default')) return found
    const what =
      names === ''
        ? `${name} has no configurations, so options.config has nothing to choose from`
        : `${name} has no configuration '${wanted}'; it has ${names}`
    throw new AttuneError('invalid-option', what, { where: 'options.config' })
  }
  if (configs.length <= 1) return configs[0]
  const usual = configs.find((config) => config.isDefault) ?? configs.find((config) => config.name === 'default')
  if (usual !== undefined) return usual
  const what = `${name} has several configurations: choose one with options.config (on the command line --subset): ${names}`
  throw new AttuneError('invalid-option', what, { where: 'options.config' })
}

/** Data files below the configuration's folder. */
function dataOf({ paths }: RepositoryFiles, name: string, config: CardConfig | undefined): string[] {
  const folder = config?.folder === undefined ? '' : `${plain(config.folder)}/`
  const inside = [...paths].filter((path) => path.startsWith(folder))
  const found = dataPathsAmong(inside)
  if (found.length > 0) return found
  throw nothingToRead(name, inside)
}

/** @throws AttuneError 'invalid-file' where there is nothing to read, or several formats */
function splitsOf(
  { paths }: RepositoryFiles,
  name: string,
  splits: readonly CardSplit[],
  folder: string | undefined,
): NamedSplit[] {
  return splits.map((split) => {
    const patterns = split.patterns.map((pattern) =>
      folder === undefined ? pattern : `${plain(folder)}/${plain(pattern)}`,
    )
    const matched = matching(paths, patterns)
    if (matched.length === 0) {
      const what = `${name}: the README names ${patterns.join(', ')} as the split '${split.name}', but no file is called so`
      throw new AttuneError('file-not-found', what, { where: `${name}/README.md` })
    }
    const readable = matched.filter((path) => formatOfName(path) !== undefined)
    if (readable.length === 0) throw nothingToRead(name, matched)
    return { name: split.name, paths: ofOneFormat(name, readable) }
  })
}

/** The split of that name, or the only one whose name says the same, as `dev` does of validation. */
function splitNamed(name: string, splits: readonly NamedSplit[], wanted: string): NamedSplit | undefined {
  const exact = splits.find((split) => split.name === wanted)
  if (exact !== undefined) return exact
  const alike = splits.filter((split) => splitOf(split.name) === wanted)
  if (alike.length <= 1) return alike[0]
  const list = alike.map((split) => `'${split.name}'`).join(', ')
  throw new AttuneError('invalid-option', `${name} has several splits for ${wanted}: choose one of ${list}`, {
    where: 'options.split',
  })
}

function matching(paths: Iterable<string>, patterns: readonly string[]): string[] {
  const tests = patterns.map((pattern) => {
    const matches = picomatch(plain(pattern))
    return (path: string): boolean => path === plain(pattern) || matches(path)
  })
  return inOrder([...paths].filter((path) => tests.some((test) => test(path))))
}

function plain(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')
}

function nothingToRead(name: string, paths: readonly string[]): AttuneError {
  const script = paths.find((path) => !path.includes('/') && path.endsWith('.py'))
  const others = paths.filter((path) => !/^\.|(?:^|\/)(?:README|LICENSE)|\.py$/i.test(path))
  const list = others.slice(0, 3).map((path) => basename(path))
  const found =
    others.length > 0
      ? `its files (${list.join(', ')}${others.length > 3 ? ', …' : ''}) are of no format that attune reads`
      : script !== undefined
        ? `it has only a loading script (${script}), and attune runs no code of others`
        : 'it has no files of data'
  const converted =
    formatOfName('rows.parquet') === undefined || name.includes('@refs/convert')
      ? ''
      : `name the Hub's own copy as '${name}@refs/convert/parquet' if there is one, or `
  const message = `${name} cannot be read: ${found}. What to do: ${converted}save it from Python with load_dataset(…).to_json('rows.jsonl') and give that file.`
  return new AttuneError('invalid-file', message, { where: name })
}
