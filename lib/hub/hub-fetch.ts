/** `fetch` as the Hub wants it: the token to the Hub alone, patience with a busy server, failures as AttuneErrors. */
import { setTimeout as sleep } from 'node:timers/promises'
import { requireNotAborted } from '../abort.js'
import { AttuneError } from '../errors.js'
import { packageVersion } from '../package-version.js'
import { errorOfResponse, networkError, systemCode } from './hub-error.js'
import type { HubSettings } from './hub-options.js'
import type { Repository } from './repository.js'

export const attempts = 5

// Doubled each time: 0.3, 0.6, 1.2 and 2.4 seconds.
const firstDelay = 300

// Longer than that a caller would rather know.
const longestDelay = 30_000

const worthAnotherTry = new Set([408, 429, 500, 502, 503, 504])

/** Whoever is not there will not be in a second either. */
const hopeless = new Set(['ENOTFOUND', 'ECONNREFUSED', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'])

/** A `fetch` that gives successes only. */
export function hubFetch(repository: Repository, settings: HubSettings): typeof fetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    for (let attempt = 1; ; attempt++) {
      let wait = delayBefore(attempt + 1)
      try {
        const response = await answer(url, init, settings)
        if (response.ok) return response
        await response.body?.cancel()
        if (attempt === attempts || !worthAnotherTry.has(response.status)) {
          throw errorOfResponse(response, repository, settings)
        }
        wait = Math.max(wait, askedDelay(response))
        if (wait > longestDelay) throw errorOfResponse(response, repository, settings)
      } catch (error) {
        throwIfAborted(settings.signal)
        if (error instanceof AttuneError) throw error
        if (attempt === attempts || hopeless.has(systemCode(error) ?? ''))
          throw networkError(error, repository, settings)
      }
      await pause(wait, settings.signal)
    }
  }
}

/** Milliseconds before the attempt of that number, from 2 on. */
export function delayBefore(attempt: number): number {
  return firstDelay * 2 ** (attempt - 2)
}

export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  throwIfAborted(signal)
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  requireNotAborted(signal, 'The download was stopped; what has come is kept.')
}

/** Redirects are followed by fetch, which takes the token off where they lead to another host. */
async function answer(url: string, init: RequestInit, settings: HubSettings): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('user-agent', `attune/${packageVersion()}; node/${process.versions.node}`)
  const home = new URL(url).origin === new URL(settings.endpoint).origin
  if (settings.token !== undefined && home) headers.set('authorization', `Bearer ${settings.token}`)
  // The time limit is on the head of the answer; its body has one of its own.
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new Error(`no answer in ${settings.answerTimeout} ms`)),
    settings.answerTimeout,
  )
  try {
    const signals = [late.signal, init.signal, settings.signal].filter((signal) => signal != null)
    return await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) })
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

function askedDelay({ headers }: Response): number {
  const seconds = Number(headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? 1000 * seconds : 0
}
