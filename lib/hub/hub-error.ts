/** What the Hub answers, as errors that say what to do. */
import { AttuneError } from '../errors.js'
import type { HubSettings } from './hub-options.js'
import { describeRepository, type Repository } from './repository.js'

/** The error that an answer other than a success stands for. */
export function errorOfResponse(response: Response, repository: Repository, settings: HubSettings): AttuneError {
  const { endpoint, token } = settings
  const { kind, id, revision } = repository
  const what = describeRepository(repository)
  const page = `${endpoint}/${kind === 'dataset' ? 'datasets/' : ''}${id}`
  const code = response.headers.get('x-error-code')
  const said = response.headers.get('x-error-message') ?? ''
  const { status } = response
  const fail = (error: ConstructorParameters<typeof AttuneError>[0], message: string): AttuneError =>
    new AttuneError(error, message, { where: id, cause: new Error(`HTTP ${status} from ${response.url}: ${said}`) })

  if (code === 'RevisionNotFound') {
    const message = `${endpoint} has the ${kind} ${id}, but no revision '${revision}': name a branch, a tag or a whole commit.`
    return fail('revision-not-found', message)
  }
  if (code === 'GatedRepo') {
    const next =
      token === undefined
        ? `ask for access at ${page}, then set HF_TOKEN (or run \`hf auth login\`)`
        : `the token may not read it: ask for access at ${page} with the account that the token belongs to`
    return fail('access-denied', `The ${what} is gated: ${next}.`)
  }
  if (status === 401 && token !== undefined && (code === null || /invalid.*(?:credentials|token)/i.test(said))) {
    const message = `${endpoint} does not accept the access token: check HF_TOKEN, make a new one at ${endpoint}/settings/tokens, or unset it for what is public.`
    return fail('access-denied', message)
  }
  if (code === 'RepoNotFound' || code === 'RepositoryNotFound' || (status === 401 && token === undefined)) {
    const next =
      token === undefined
        ? 'for a private one set HF_TOKEN (or run `hf auth login`)'
        : 'the token may not be allowed to read it'
    const message = `There is neither a file or directory '${id}' here nor a ${kind} of that name on ${endpoint}, or it is private: check the spelling; ${next}.`
    return fail('repository-not-found', message)
  }
  if (code === 'EntryNotFound') return fail('file-not-found', `A file of the ${what} is missing: ${said}`)
  if (status === 401 || status === 403) {
    return fail('access-denied', `${endpoint} refuses the ${what}${said === '' ? '' : `: ${said}`} (HTTP ${status}).`)
  }
  if (status === 404) {
    const message = `There is neither a file or directory '${id}' here nor a ${kind} of that name on ${endpoint}: check the spelling.`
    return fail('repository-not-found', message)
  }
  if (status === 429) {
    const more = token === undefined ? ', or set HF_TOKEN: who has an account may ask more often' : ''
    return fail(
      'download-failed',
      `${endpoint} was asked too often for now (HTTP 429): try again in some minutes${more}.`,
    )
  }
  const message = `${endpoint} answered HTTP ${status} for the ${what}: try again later; HF_HUB_OFFLINE=1 uses what is in the cache.`
  return fail('download-failed', message)
}

/** The error of a request that got no answer, or of an answer that broke off. */
export function networkError(cause: unknown, repository: Repository, { endpoint }: HubSettings): AttuneError {
  const message = `Cannot reach ${endpoint} for the ${describeRepository(repository)}: ${reasonOf(cause)}. Check the connection and HF_ENDPOINT (behind a proxy: HTTPS_PROXY and NODE_USE_ENV_PROXY=1, from Node 22.21 on); if a file or directory was meant, ${repository.id} is not there.`
  return new AttuneError('download-failed', message, { where: repository.id, cause })
}

/** The innermost reason: fetch says no more than "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return reasonOf(error.cause)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}

/** The code of the system's error, such as ENOTFOUND, where there is one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return systemCode(error.cause)
}
