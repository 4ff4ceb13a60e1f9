/** How the Hub is reached and where its copies lie: the options, and where they leave it open the variables of huggingface_hub. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { checkOptions } from '../check-options.js'
import { AttuneError } from '../errors.js'
import type { DownloadProgress } from './download-progress.js'

export interface HubOptions {
  /** Address of the Hub, or of a mirror. @default HF_ENDPOINT, else https://huggingface.co */
  readonly endpoint?: string | undefined
  /** Folder of the copies. @default HF_HUB_CACHE, else `hub` in HF_HOME, else ~/.cache/huggingface/hub */
  readonly cache?: string | undefined
  /** Access token; false sends none. It goes to the endpoint alone. @default HF_TOKEN, else the file that `hf auth login` writes */
  readonly token?: string | false | undefined
  /** Ask nothing, take what the cache has. @default HF_HUB_OFFLINE */
  readonly offline?: boolean | undefined
  /** Called as files come, at most some ten times a second and at the end of each file. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Ends a download; what has come is kept for the next one. */
  readonly signal?: AbortSignal | undefined
}

export interface HubSettings {
  readonly endpoint: string
  readonly cache: string
  readonly token: string | undefined
  readonly offline: boolean
  /** Milliseconds that an answer may take to begin. */
  readonly answerTimeout: number
  /** Milliseconds in which nothing may come of a file. */
  readonly stallTimeout: number
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

const schema = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  cache: z.string().min(1).optional(),
  token: z.union([z.string().min(1), z.literal(false)]).optional(),
  offline: z.boolean().optional(),
  onProgress: z.custom<HubOptions['onProgress']>((value) => typeof value === 'function').optional(),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal).optional(),
})

const defaultEndpoint = 'https://huggingface.co'

// huggingface_hub's, in seconds.
const defaultTimeout = 10

/** @throws AttuneError 'invalid-option' for a wrong option or variable */
export async function settleHubOptions(given: HubOptions = {}): Promise<HubSettings> {
  const { endpoint, cache, token, offline, onProgress, signal } = checkOptions(schema, given, 'options.hub')
  return {
    endpoint: (endpoint ?? endpointVariable() ?? defaultEndpoint).replace(/\/+$/, ''),
    cache: resolve(cache ?? cacheVariable()),
    token: token === false ? undefined : (token ?? (await storedToken())),
    offline: offline ?? ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some(isOn),
    answerTimeout: 1000 * secondsVariable('HF_HUB_ETAG_TIMEOUT'),
    stallTimeout: 1000 * secondsVariable('HF_HUB_DOWNLOAD_TIMEOUT'),
    onProgress,
    signal,
  }
}

/** A variable that is set to something. */
function variable(name: string): string | undefined {
  const value = process.env[name]?.trim()
  return value === '' ? undefined : value
}

function isOn(name: string): boolean {
  return /^(?:1|on|yes|true)$/i.test(variable(name) ?? '')
}

function endpointVariable(): string | undefined {
  const value = variable('HF_ENDPOINT')
  if (value === undefined || schema.shape.endpoint.safeParse(value).success) return value
  throw new AttuneError('invalid-option', `HF_ENDPOINT should be an address such as ${defaultEndpoint}, not ${value}`, {
    where: 'HF_ENDPOINT',
  })
}

function secondsVariable(name: string): number {
  const value = variable(name)
  if (value === undefined) return defaultTimeout
  const seconds = Number(value)
  if (seconds > 0 && Number.isFinite(seconds)) return seconds
  throw new AttuneError('invalid-option', `${name} should be a number of seconds, not ${value}`, { where: name })
}

function pathVariable(name: string): string | undefined {
  const value = variable(name)?.replace(/^~(?=\/|$)/, homedir())
  return value?.replace(/\$(?:\{(\w+)\}|(\w+))/g, (all, braced?: string, bare?: string) => {
    return process.env[braced ?? bare ?? ''] ?? all
  })
}

function home(): string {
  return pathVariable('HF_HOME') ?? join(pathVariable('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface')
}

function cacheVariable(): string {
  return pathVariable('HF_HUB_CACHE') ?? pathVariable('HUGGINGFACE_HUB_CACHE') ?? join(home(), 'hub')
}

async function storedToken(): Promise<string | undefined> {
  if (isOn('HF_HUB_DISABLE_IMPLICIT_TOKEN')) return undefined
  const given = variable('HF_TOKEN') ?? variable('HUGGING_FACE_HUB_TOKEN')
  if (given !== undefined) return given
  const file = pathVariable('HF_TOKEN_PATH') ?? join(home(), 'token')
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trim()
}
