/** Names of what lies on the Hub: `org/name`, `org/name@revision`, `hf://datasets/org/name`. */
import { AttuneError } from '../errors.js'

export type RepositoryKind = 'model' | 'dataset'

export interface Repository {
  readonly kind: RepositoryKind
  /** `org/name`; of some old models `name` alone. */
  readonly id: string
  /** A branch, a tag, `refs/…` or a commit. */
  readonly revision: string
}

export const defaultRevision = 'main'

const commitPattern = /^[0-9a-f]{40}$/

/** As huggingface_hub: words of letters, digits, `-`, `_` and `.`, which neither begin nor end with `-` or `.`. */
const idPattern = /^(?:\w(?:[\w.-]{0,94}\w)?\/)?\w(?:[\w.-]{0,94}\w)?$/

/** Branches and tags as git allows them, as far as they can be the name of a file. */
const revisionPattern = /^[^\s@~^:?*[\\/.][^\s@~^:?*[\\]*$/

const scheme = /^hf:\/\/(?:(models|datasets)\/)?/

export function isCommit(revision: string): boolean {
  return commitPattern.test(revision)
}

/** Whether a text says by its own form that it is meant for the Hub. */
export function namesTheHub(text: string): boolean {
  return text.startsWith('hf://')
}

/**
 * The repository that a text names, or undefined where it is not the form of an id.
 * @throws AttuneError 'invalid-option' for an `hf://` address of another kind, and for two revisions
 */
export function parseRepository(text: string, kind: RepositoryKind, revision?: string): Repository | undefined {
  const kindGiven = scheme.exec(text)?.[1]
  if (kindGiven !== undefined && kindGiven !== `${kind}s`) {
    throw new AttuneError(
      'invalid-option',
      `expected a ${kind}, but ${text} is the address of one of the ${kindGiven}`,
      {
        where: text,
      },
    )
  }
  const [id = '', written, ...more] = text.replace(scheme, '').split('@')
  if (!idPattern.test(id) || /--|\.\.|\.git$/.test(id) || more.length > 0) return undefined
  if (written !== undefined && !isRevision(written)) return undefined
  if (revision !== undefined && !isRevision(revision)) {
    throw new AttuneError('invalid-option', `'${revision}' is no branch, tag or commit`, { where: 'options.revision' })
  }
  if (written !== undefined && revision !== undefined && written !== revision) {
    throw new AttuneError('invalid-option', `${text} names another revision than options.revision, '${revision}'`, {
      where: 'options.revision',
    })
  }
  return { kind, id, revision: revision ?? written ?? defaultRevision }
}

export function describeRepository({ kind, id, revision }: Repository): string {
  return `${kind} ${id}${revision === defaultRevision ? '' : `@${revision}`}`
}

function isRevision(text: string): boolean {
  return revisionPattern.test(text) && !/\.\.|\/\/|\/$|\.lock$/.test(text)
}
