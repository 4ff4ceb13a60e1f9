/** From what people name (paths, patterns, folders) to files. */
import { stat } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'

import { glob, isDynamicPattern } from 'tinyglobby'

import { AttuneError } from '../../errors.js'
import { formatOfName } from './file-format.js'
import type { SourceFile, SourceFormat } from './source-options.js'

export const splitNames = ['train', 'validation', 'test'] as const
export type SplitName = (typeof splitNames)[number]

export type SplitFiles = Readonly<Partial<Record<SplitName, readonly SourceFile[]>>>

export interface ResolveOptions {
  /** Of a folder or pattern, only files of this split. Default: of a folder with splits 'train', else all files. */
  readonly split?: SplitName | undefined
}

// As the hub reads folders: a word of its own in the name of the file, or of a folder around it.
const splitWords: Readonly<Record<SplitName, RegExp>> = {
  train: /(?:^|[^a-z0-9])(?:train|training)(?![a-z])/i,
  validation: /(?:^|[^a-z0-9])(?:validation|valid|val|dev)(?![a-z])/i,
  test: /(?:^|[^a-z0-9])(?:test|testing|eval|evaluation)(?![a-z])/i,
}

// What stands beside data without being data.
const besides =
  /^(?:readme|license|licence|copying|notice|changelog|source)\b|^dataset_infos?\.json$|^dataset_dict\.json$/i

/**
 * The files that paths, patterns (`data/*.jsonl.gz`) and folders name, in the order given, those of one folder or
 * pattern by name with numbers counted. '-' is standard input.
 * @throws AttuneError 'file-not-found', 'invalid-file' where a folder holds no data or files of several formats
 */
export async function resolveFiles(
  patterns: string | readonly string[],
  options: ResolveOptions = {},
): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for (const pattern of typeof patterns === 'string' ? [patterns] : patterns) {
    files.push(...(await filesOf(pattern, options.split)))
  }
  return files
}

/** The splits of a folder by the names of its files or folders; undefined where it has none. */
export async function resolveSplits(folder: string): Promise<SplitFiles | undefined> {
  if (!(await isFolder(folder))) return undefined
  const paths = await pathsIn(folder)
  const found = splitNames.flatMap((split) => {
    const chosen = paths.filter((path) => splitOf(path) === split)
    return chosen.length === 0 ? [] : [[split, chosen] as const]
  })
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map(([split, chosen]) => [split, ofOneFormat(folder, chosen)]))
}

async function filesOf(pattern: string, split: SplitName | undefined): Promise<readonly SourceFile[]> {
  if (pattern === '-') return [{ path: pattern }]
  const found = await stat(pattern).catch(() => undefined)
  if (found?.isDirectory() === true) return filesOfFolder(pattern, split)
  // A file may have brackets in its name. What is missing is told when it is read.
  if (found !== undefined || !isDynamicPattern(pattern)) return [{ path: pattern }]
  const paths = inOrder(
    await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(pattern) }),
  )
  const chosen = split === undefined ? paths : paths.filter((path) => splitOf(path) === split)
  if (chosen.length > 0) return chosen.map((path) => ({ path }))
  const ofSplit = split === undefined || paths.length === 0 ? '' : ` of the split '${split}'`
  throw new AttuneError('file-not-found', `no file${ofSplit} matches ${pattern}`, { where: pattern })
}

async function filesOfFolder(folder: string, split: SplitName | undefined): Promise<readonly SourceFile[]> {
  const splits = await resolveSplits(folder)
  const chosen = splits?.[split ?? 'train']
  if (chosen !== undefined) return chosen
  if (splits !== undefined || split !== undefined) {
    const names = Object.keys(splits ?? {}).join(', ')
    const what = names === '' ? 'no file is named as one' : `there are ${names}`
    throw new AttuneError('file-not-found', `${folder} has no split '${split ?? 'train'}': ${what}`, { where: folder })
  }
  const files = ofOneFormat(folder, await pathsIn(folder))
  if (files.length > 0) return files
  throw new AttuneError('invalid-file', `${folder} is a directory without data files`, { where: folder })
}

/** All data files below a folder, relative to it. */
async function pathsIn(folder: string): Promise<string[]> {
  const paths = await glob('**/*', { cwd: folder, onlyFiles: true, dot: false })
  return inOrder(paths.filter((path) => formatOfName(path) !== undefined && !besides.test(basename(path))))
}

/** Rows of one format; texts beside those are their description. */
function ofOneFormat(folder: string, paths: readonly string[]): readonly SourceFile[] {
  const rows = paths.filter((path) => formatOfName(path) !== 'text')
  const chosen = rows.length > 0 ? rows : paths
  const formats = new Map<SourceFormat | undefined, string>()
  for (const path of chosen) if (!formats.has(formatOfName(path))) formats.set(formatOfName(path), path)
  if (formats.size > 1) {
    const list = [...formats.values()].join(', ')
    const what = `${folder} holds files of several formats (${list}); name the files, or a pattern as '${folder}/*.jsonl'`
    throw new AttuneError('invalid-file', what, { where: folder })
  }
  return chosen.map((path) => ({ path: join(folder, path) }))
}

/** The file's own name counts before those of its folders. */
function splitOf(path: string): SplitName | undefined {
  const parts = path.split('/').reverse()
  for (const part of parts) {
    const found = splitNames.find((split) => splitWords[split].test(part))
    if (found !== undefined) return found
  }
  return undefined
}

function inOrder(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1))
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}
