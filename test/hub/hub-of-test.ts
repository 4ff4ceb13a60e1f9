/** A stand-in Hub and an empty HF_HOME, set in the variables for the length of a test. */
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { temporaryDirectory } from '../models/fixture-models.js'
import { StandInHub, type StandInRepository } from './stand-in-hub.js'

export interface HubOfTest {
  readonly hub: StandInHub
  readonly home: string
  /** The folder with the copies. */
  readonly cache: string
}

export async function hubOfTest(...repositories: StandInRepository[]): Promise<HubOfTest> {
  const hub = await StandInHub.start(...repositories)
  const home = temporaryDirectory()
  const unset = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE']
  const values = { HF_HOME: home, HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '' }
  for (const name of unset) vi.stubEnv(name, '')
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await hub[Symbol.asyncDispose]()
  })
  return { hub, home, cache: join(home, 'hub') }
}

/** Every file below a folder, with where it leads if it is a link. */
export function treeOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const stats = paths.map((path) => [path, lstatSync(join(folder, path))] as const)
  return Object.fromEntries(
    stats
      .filter(([, stat]) => !stat.isDirectory())
      .map(([path, stat]) => [path, stat.isSymbolicLink() ? readlinkSync(join(folder, path)) : 'file']),
  )
}
