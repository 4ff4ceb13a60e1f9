/** What a report says of model, data and run, so that it can be read without them. */
import { Dataset } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import { packageVersion } from '../package-version.js'
import type { TrainingData } from '../data/prepare-data.js'
import type { DataDescription, EvaluationReport, ModelDescription } from './report.js'

export function describeModel(model: Model): ModelDescription {
  const { definition, directory, dtype, adapter } = model
  let parameters = 0
  for (const { shape } of model.parameters()) parameters += shape.reduce((product, size) => product * size, 1)
  return {
    directory,
    modelType: definition.modelType,
    architecture: definition.architecture,
    labels: definition.labels,
    parameters,
    dtype,
    ...(adapter !== undefined && { adapter: { rank: adapter.rank, targets: [adapter.targets].flat().map(String) } }),
  }
}

export function describeData(
  data: TrainingData,
  labels: readonly string[],
  counts: readonly number[],
): DataDescription {
  const origins = data instanceof Dataset ? data.origins : []
  const files = new Set(origins.flatMap((origin) => /^(.+):\d+$/.exec(origin)?.[1] ?? []))
  return {
    shape: data instanceof Dataset ? data.shape : undefined,
    files: [...files],
    ...(counts.length > 0 && {
      labelCounts: Object.fromEntries(labels.map((label, i) => [label, counts[i] ?? 0])),
    }),
  }
}

export function describeRun(options: object, start: number): EvaluationReport['run'] {
  const isData = (value: unknown): boolean => value !== undefined && typeof value !== 'function' && !isObject(value)
  const given = Object.entries(options).filter(([, value]) => isData(value))
  return {
    attune: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString(),
    seconds: (performance.now() - start) / 1000,
    options: Object.fromEntries(given),
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
