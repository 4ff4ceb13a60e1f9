/** From what people name (paths, patterns, folders, datasets of the Hub) to files. */
import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

import { glob, isDynamicPattern } from 'tinyglobby'

import { AttuneError } from '../../errors.js'
import { namesTheHub } from '../../hub/repository.js'
import {
  filesOfHubDataset,
  hubDatasetOf,
  splitNamesOfHubDataset,
  splitsOfHubDataset,
  type HubDataset,
  type HubDatasetOptions,
} from './hub-dataset.js'
import type { SourceFile } from './source-options.js'
import {
  choosePaths,
  dataPathsAmong,
  inOrder,
  splitNames,
  splitOf,
  splitPathsAmong,
  type SplitName,
} from './split-paths.js'

export type SplitFiles = Readonly<Partial<Record<SplitName, readonly SourceFile[]>>>

export interface ResolveOptions extends HubDatasetOptions {
  /** Of a folder, pattern or dataset of the Hub, only files of this split. Default: where there are splits `usualSplit`, else all files. */
  readonly split?: SplitName | (string & {}) | undefined
  /** The split of a folder or dataset that has splits, where none is named. Default: 'train'. */
  readonly usualSplit?: SplitName | undefined
}

/**
 * The files that paths, patterns (`data/*.jsonl.gz`), folders and ids of datasets on the Hub (`org/name`, which are fetched)
 * name, in the order given, those of one folder or pattern by name with numbers counted. '-' is standard input.
 * What exists here is never asked of the Hub.
 * @throws AttuneError 'file-not-found', 'invalid-file' where a folder holds no data or files of several formats, or of the Hub
 */
export async function resolveFiles(
  patterns: string | readonly string[],
  options: ResolveOptions = {},
): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for (const pattern of typeof patterns === 'string' ? [patterns] : patterns) {
    files.push(...(await filesOf(pattern, options)))
  }
  return files
}

/**
 * The splits of a folder by the names of its files or folders, or of a dataset on the Hub as its README says; undefined where
 * there are none.
 */
export async function resolveSplits(folder: string, options: HubDatasetOptions = {}): Promise<SplitFiles | undefined> {
  const place = await placeOf(folder)
  const splits =
    place === 'missing'
      ? await splitsOfHubDataset(hubDatasetNamed(folder, options), options)
      : await localSplits(folder, place, options)
  return Object.keys(splits).length === 0 ? undefined : splits
}

/** Names of the splits that `resolveSplits` finds; none of the Hub's files is fetched for it. */
export async function splitNamesOf(folder: string, options: HubDatasetOptions = {}): Promise<readonly SplitName[]> {
  const place = await placeOf(folder)
  if (place === 'missing') return splitNamesOfHubDataset(hubDatasetNamed(folder, options), options)
  const splits = place === 'folder' ? await localSplits(folder, place, options) : {}
  return splitNames.filter((name) => splits[name] !== undefined)
}

type Place = 'folder' | 'file' | 'pattern' | 'missing'

async function placeOf(path: string): Promise<Place> {
  if (namesTheHub(path)) return 'missing'
  const found = path === '-' ? undefined : await stat(path).catch(() => undefined)
  // A file may have brackets in its name.
  if (found !== undefined) return found.isDirectory() ? 'folder' : 'file'
  return path === '-' ? 'file' : isDynamicPattern(path) ? 'pattern' : 'missing'
}

async function localSplits(folder: string, place: Place, options: HubDatasetOptions): Promise<SplitFiles> {
  checkLocal(folder, options)
  const splits = place === 'folder' ? (splitPathsAmong(folder, await pathsIn(folder)) ?? {}) : {}
  return Object.fromEntries(Object.entries(splits).map(([split, paths]) => [split, filesIn(folder, paths)]))
}

async function filesOf(pattern: string, options: ResolveOptions): Promise<readonly SourceFile[]> {
  const { split, usualSplit = 'train' } = options
  const place = await placeOf(pattern)
  if (place === 'missing') return filesOfHubDataset(hubDatasetNamed(pattern, options), split, usualSplit, options)
  checkLocal(pattern, options)
  if (place === 'folder') return filesOfFolder(pattern, split, usualSplit)
  if (place === 'file') return [{ path: pattern }]
  const paths = inOrder(
    await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(pattern) }),
  )
  const chosen = split === undefined ? paths : paths.filter((path) => splitOf(path) === split)
  if (chosen.length > 0) return chosen.map((path) => ({ path }))
  const ofSplit = split === undefined || paths.length === 0 ? '' : ` of the split '${split}'`
  throw new AttuneError('file-not-found', `no file${ofSplit} matches ${pattern}`, { where: pattern })
}

/** @throws AttuneError 'file-not-found' for what can be neither a path nor an id */
function hubDatasetNamed(source: string, { revision }: HubDatasetOptions): HubDataset {
  const dataset = hubDatasetOf(source, revision)
  if (dataset !== undefined) return dataset
  const hint = namesTheHub(source)
    ? `${source} is no address of a dataset on the Hub, such as hf://datasets/org/name or hf://datasets/org/name/data/*.jsonl`
    : /^[\w.-]+$/.test(source)
      ? `${source} does not exist; for a dataset on the Hub, name its owner too: org/${source}`
      : `${source} does not exist`
  throw new AttuneError('file-not-found', hint, { where: source })
}

/** @throws AttuneError 'invalid-option' for what only a dataset of the Hub has */
function checkLocal(path: string, options: ResolveOptions): void {
  for (const name of ['revision', 'config'] as const) {
    if (options[name] === undefined) continue
    const message = `${path} is a path here, and has no ${name}`
    throw new AttuneError('invalid-option', message, { where: `options.${name}` })
  }
  const { split } = options
  if (split === undefined || splitNames.some((name) => name === split)) return
  const list = splitNames.map((name) => `'${name}'`).join(', ')
  const message = `options.split should be one of ${list}, received '${split}'`
  throw new AttuneError('invalid-option', message, { where: 'options.split' })
}

async function filesOfFolder(folder: string, split: string | undefined, usual: SplitName): Promise<SourceFile[]> {
  const paths = choosePaths(folder, await pathsIn(folder), split, usual)
  if (paths.length > 0) return filesIn(folder, paths)
  throw new AttuneError('invalid-file', `${folder} is a directory without data files`, { where: folder })
}

/** All data files below a folder, relative to it. */
async function pathsIn(folder: string): Promise<string[]> {
  return dataPathsAmong(await glob('**/*', { cwd: folder, onlyFiles: true, dot: false }))
}

function filesIn(folder: string, paths: readonly string[]): SourceFile[] {
  return paths.map((path) => ({ path: join(folder, path) }))
}
