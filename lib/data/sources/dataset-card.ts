/** What the header of a dataset's README says about its files: `configs`, each with the files of its splits. */
import { parseDocument } from 'yaml'
import { z } from 'zod'

import { AttuneError } from '../../errors.js'

export interface CardSplit {
  readonly name: string
  /** Paths in the repository, or patterns of them. */
  readonly patterns: readonly string[]
}

/** A configuration of a dataset, which the Hub's pages call a subset. */
export interface CardConfig {
  readonly name: string
  readonly isDefault: boolean
  /** Folder that its files are in. */
  readonly folder: string | undefined
  /** Undefined where the names of the files say it. */
  readonly splits: readonly CardSplit[] | undefined
}

const patterns = z.union([z.string().transform((path) => [path]), z.array(z.string())])

const splits = z.array(z.object({ split: z.string(), path: patterns }))

// Files without a split are all of it, which is called train.
const dataFiles = z.union([
  patterns.transform((paths): CardSplit[] => [{ name: 'train', patterns: paths }]),
  splits.transform((list): CardSplit[] => list.map(({ split, path }) => ({ name: split, patterns: path }))),
  z
    .record(z.string(), patterns)
    .transform((named): CardSplit[] => Object.entries(named).map(([name, paths]) => ({ name, patterns: paths }))),
])

const configSchema = z.object({
  config_name: z.union([z.string(), z.number()]).default('default'),
  default: z.boolean().default(false),
  data_dir: z.string().optional(),
  data_files: dataFiles.optional(),
})

/**
 * The configurations that a README names; none where it has no header, or one without them.
 * @throws AttuneError 'invalid-file'
 */
export function configsOfCard(readme: string, where: string): CardConfig[] {
  const [, header] = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?\r?\n)?---[ \t]*(?:\r?\n|$)/.exec(readme) ?? []
  if (header === undefined) return []
  const document = parseDocument(header)
  const [problem] = document.errors
  if (problem !== undefined) throw wrong(where, problem.message.split('\n')[0] ?? '')
  const { data, error } = z
    .object({ configs: z.array(configSchema).nullish() })
    .nullish()
    .safeParse(document.toJS({ maxAliasCount: 100 }))
  if (error !== undefined) {
    const [issue] = error.issues
    throw wrong(where, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  return (data?.configs ?? []).map((config) => ({
    name: String(config.config_name),
    isDefault: config.default,
    folder: config.data_dir,
    splits: config.data_files,
  }))
}

function wrong(where: string, what: string): AttuneError {
  const message = `${where}: cannot read the header, which says where the data are: ${what}`
  return new AttuneError('invalid-file', message, { where })
}
