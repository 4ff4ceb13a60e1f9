/** What two runs must share for one to go on with the other's checkpoint. */
import { createHash } from 'node:crypto'
import type { EncodedExample } from '../data/prepare-data.js'
import type { Model } from '../models/model.js'
import type { SettledTrainOptions } from './train-options.js'

/** Options that decide the numbers of a run. The others (output, when to save, …) may change between its parts. */
const deciding = [
  'epochs', 'maxSteps', 'batchSize', 'gradientAccumulationSteps', 'learningRate', 'schedule', 'warmupSteps', 'warmupRatio',
  'weightDecay', 'betas', 'eps', 'maxGradNorm', 'labelSmoothing', 'seed', 'shuffle', 'groupByLength', 'evaluateEvery', 'earlyStopping', 'loadBest',
] as const // prettier-ignore

export function decidingOptions(options: SettledTrainOptions, model: Model): Record<string, unknown> {
  const chosen: Record<string, unknown> = Object.fromEntries(deciding.map((key) => [key, options[key]]))
  const shapes = [...model.parameters()].map(({ name, shape, trainable }) => [name, shape, trainable])
  const identity = { ...chosen, adapter: model.adapter, parameters: digest(JSON.stringify(shapes)), dtype: model.dtype }
  // As it will be read back from a checkpoint: without what is undefined, patterns as text.
  return JSON.parse(
    JSON.stringify(identity, (_, value: unknown) => (value instanceof RegExp ? String(value) : value)),
  ) as Record<string, unknown>
}

export function digestExamples(examples: readonly EncodedExample[]): string {
  const hash = createHash('sha256')
  for (const { inputIds, labels } of examples) {
    const values = Int32Array.of(inputIds.length, ...inputIds, ...labels)
    hash.update(new Uint8Array(values.buffer))
  }
  return hash.digest('hex')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
