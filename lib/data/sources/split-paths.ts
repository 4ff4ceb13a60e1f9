/** Which of the files of a folder, or of a repository, are its data, and of which split: one rule for all, over their paths. */
import { basename } from 'node:path'

import { AttuneError } from '../../errors.js'
import { formatOfName } from './file-format.js'
import type { SourceFormat } from './source-options.js'

export const splitNames = ['train', 'validation', 'test'] as const
export type SplitName = (typeof splitNames)[number]

/** Paths of each split, all of one format. */
export type SplitPaths = Readonly<Partial<Record<SplitName, readonly string[]>>>

// As the hub reads folders: a word of its own in the name of the file, or of a folder around it.
const splitWords: Readonly<Record<SplitName, RegExp>> = {
  train: /(?:^|[^a-z0-9])(?:train|training)(?![a-z])/i,
  validation: /(?:^|[^a-z0-9])(?:validation|valid|val|dev)(?![a-z])/i,
  test: /(?:^|[^a-z0-9])(?:test|testing|eval|evaluation)(?![a-z])/i,
}

// What stands beside data without being data.
const besides =
  /^(?:readme|license|licence|copying|notice|changelog|source)\b|^dataset_infos?\.json$|^dataset_dict\.json$/i

/** The data files among some paths, by name with numbers counted. */
export function dataPathsAmong(paths: Iterable<string>): string[] {
  const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'))
  const isData = (path: string): boolean => formatOfName(path) !== undefined && !besides.test(basename(path))
  return inOrder([...paths].filter((path) => isData(path) && !isHidden(path)))
}

/** The splits of data files; undefined where their names tell of none. `folder` names where they are. */
export function splitPathsAmong(folder: string, paths: readonly string[]): SplitPaths | undefined {
  const found = splitNames.flatMap((split) => {
    const chosen = paths.filter((path) => splitOf(path) === split)
    return chosen.length === 0 ? [] : [[split, ofOneFormat(folder, chosen)] as const]
  })
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/**
 * The data files of a split; without one named those of `usual` where there are splits, else all.
 * @throws AttuneError 'file-not-found' where there is no such split, 'invalid-file' for several formats
 */
export function choosePaths(
  folder: string,
  paths: readonly string[],
  split: string | undefined,
  usual: SplitName,
): readonly string[] {
  const splits = splitPathsAmong(folder, paths)
  if (splits === undefined && split === undefined) return ofOneFormat(folder, paths)
  const chosen = splitNames.find((name) => name === (split ?? usual))
  const found = chosen === undefined ? undefined : splits?.[chosen]
  if (found !== undefined) return found
  throw noSuchSplit(folder, split ?? usual, Object.keys(splits ?? {}))
}

export function noSuchSplit(folder: string, split: string, names: readonly string[]): AttuneError {
  const what = names.length === 0 ? 'no file is named as one' : `there are ${names.join(', ')}`
  return new AttuneError('file-not-found', `${folder} has no split '${split}': ${what}`, { where: folder })
}

/** Rows of one format; texts beside those are their description. */
export function ofOneFormat(folder: string, paths: readonly string[]): readonly string[] {
  const rows = paths.filter((path) => formatOfName(path) !== 'text')
  const chosen = rows.length > 0 ? rows : paths
  const formats = new Map<SourceFormat | undefined, string>()
  for (const path of chosen) if (!formats.has(formatOfName(path))) formats.set(formatOfName(path), path)
  if (formats.size > 1) {
    const list = [...formats.values()].join(', ')
    const what = `${folder} holds files of several formats (${list}); name the files, or a pattern as '${folder}/*.jsonl'`
    throw new AttuneError('invalid-file', what, { where: folder })
  }
  return chosen
}

/** The split that a path tells of. The file's own name counts before those of its folders. */
export function splitOf(path: string): SplitName | undefined {
  const parts = path.split('/').reverse()
  for (const part of parts) {
    const found = splitNames.find((split) => splitWords[split].test(part))
    if (found !== undefined) return found
  }
  return undefined
}

export function inOrder(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1))
}
