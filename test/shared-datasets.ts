import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(process.env['ATTUNE_SHARED'] ?? join(root, '..', 'shared'), 'datasets')

/** The folder of public datasets, undefined where this machine has none. */
export const sharedDatasets = existsSync(folder) ? folder : undefined

/** Why tests on them are skipped; '' where they run. */
export const sharedDatasetsMissing =
  sharedDatasets === undefined ? `skipped: no datasets in ${folder} (set ATTUNE_SHARED)` : ''

if (sharedDatasetsMissing !== '') console.warn(sharedDatasetsMissing)

/** The configs and small files that come with the repository. */
export const examplesFolder = join(root, 'examples', 'data')
