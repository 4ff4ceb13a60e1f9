/** What a user names as a source, a path or an id of the Hub, as a path. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AttuneError } from '../errors.js'
import { settleHubOptions, type HubOptions } from './hub-options.js'
import { namesTheHub, parseRepository, type Repository, type RepositoryKind } from './repository.js'
import { fetchSnapshot, type FileChoice } from './snapshot.js'

/** Fields of the options of whatever reads a source. */
export interface HubSourceOptions {
  /** Branch, tag or commit, where the source is an id of the Hub. @default what stands after `@`, else 'main' */
  readonly revision?: string | undefined
  /** How the Hub is reached. @default as the variables of huggingface_hub say */
  readonly hub?: HubOptions | undefined
}

/** What is looked for. */
export interface Wanted {
  readonly kind: RepositoryKind
  /** The file that a directory of it has at least. */
  readonly file: string
  readonly choose: FileChoice
}

/**
 * The repository that a source names; undefined where it is a path that exists, which always wins.
 * @throws AttuneError 'file-not-found' where it is neither, 'invalid-option' for a revision of a path
 */
export function repositoryNamed(
  source: string,
  kind: RepositoryKind,
  { revision }: HubSourceOptions,
  where = source,
): Repository | undefined {
  if (!namesTheHub(source) && existsSync(source)) {
    if (revision === undefined) return undefined
    throw new AttuneError('invalid-option', `${source} is a path here, and has no revision`, {
      where: 'options.revision',
    })
  }
  const repository = parseRepository(source, kind, revision)
  if (repository !== undefined) return repository
  const message = `${source} does not exist, and it is no id of a ${kind} on the Hub either, such as org/name or org/name@revision.`
  throw new AttuneError('file-not-found', message, { where })
}

/** The directory of a source: itself, or the copy in the cache with the files chosen, which are fetched if need be. */
export async function localCopy(source: string, wanted: Wanted, options: HubSourceOptions): Promise<string> {
  const repository = repositoryNamed(source, wanted.kind, options, join(source, wanted.file))
  return repository === undefined
    ? source
    : fetchSnapshot(repository, wanted.choose, await settleHubOptions(options.hub))
}
