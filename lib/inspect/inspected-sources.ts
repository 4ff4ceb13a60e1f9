/** Which rows are inspected, and as which part. */
import { overridesAmong, sourcesOfConfig, type ConfigSources } from '../data/config-sources.js'
import type { DatasetConfig } from '../data/dataset-config.js'
import { Dataset } from '../data/dataset.js'
import type { LoadDatasetOptions } from '../data/load-dataset.js'
import type { InspectedRows, InspectedSource } from './read-rows.js'

/** Files (paths, patterns, folders), a dataset, rows of a program, or a config that names the rows of each part. */
export type InspectedData = InspectedRows | DatasetConfig

export interface InspectedSources {
  readonly train: readonly InspectedSource[]
  /** A number: how many are drawn of the training rows. */
  readonly validation: readonly InspectedSource[] | number
  readonly test: readonly InspectedSource[] | number
  readonly drawing: ConfigSources['drawing']
}

/** What data are read from, and drawn. */
export interface SourceOptions
  extends LoadDatasetOptions, Pick<DatasetConfig, 'stratify' | 'groupBy' | 'orderBy' | 'splitSeed'> {
  readonly validation?: InspectedRows | number | undefined
  readonly seed?: number | undefined
}

/** @throws AttuneError as `sourcesOfConfig` does */
export async function inspectedSources(data: InspectedData, options: SourceOptions): Promise<InspectedSources> {
  const { validation, seed, stratify, groupBy, orderBy, splitSeed = seed } = options
  const sourceOf = (rows: InspectedRows): InspectedSource => ({ rows, options })
  const asked = validation === undefined || typeof validation === 'number' ? validation : [sourceOf(validation)]
  if (!isConfig(data)) {
    return {
      train: [sourceOf(data)],
      validation: asked ?? [],
      test: [],
      drawing: { stratify, groupBy, orderBy, seed: splitSeed },
    }
  }
  const { hub, onNote } = options
  const sources = await sourcesOfConfig(data, 'config', { hub, onNote, overrides: overridesAmong(options) })
  return { ...sources, validation: asked ?? sources.validation }
}

function isConfig(data: InspectedData): data is DatasetConfig {
  if (typeof data === 'string' || data instanceof Dataset) return false
  return !(Symbol.iterator in data) && !(Symbol.asyncIterator in data)
}
