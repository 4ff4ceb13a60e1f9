import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const shared = process.env['ATTUNE_SHARED'] ?? join(root, '..', 'shared')

/** The folder of golden parity cases, undefined where this machine has none. */
export const goldensFolder = existsSync(join(shared, 'goldens')) ? join(shared, 'goldens') : undefined

/** Why golden tests are skipped; '' where they run. */
export const goldensMissing =
  goldensFolder === undefined ? `skipped: no golden cases in ${shared} (set ATTUNE_SHARED)` : ''

if (goldensMissing !== '') console.warn(goldensMissing)

/** A path in the golden folder. */
export function goldenPath(...parts: string[]): string {
  if (goldensFolder === undefined) throw new Error(goldensMissing)
  return join(goldensFolder, ...parts)
}

/** A golden JSON file, as the type the caller knows it to have. */
export function readGolden<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(goldenPath(...parts), 'utf8')) as T
}

/** Names of the JSON files in a golden folder, without the extension; none where there are no goldens. */
export function goldenNames(folder: string): string[] {
  if (goldensFolder === undefined) return []
  const files = readdirSync(join(goldensFolder, folder)).filter((name) => name.endsWith('.json'))
  return files.map((name) => name.slice(0, -'.json'.length)).sort()
}
