/** What two runs must share for one to go on with the other's checkpoint. */
import { createHash } from 'node:crypto'
import { EventLoopTurns } from '../data/event-loop-turns.js'
import { isLabelled, type EncodedExample } from '../data/example.js'
import type { Model } from '../models/model.js'
import { isStreamed } from './stream-options.js'
import type { SettledTrainOptions } from './train-options.js'

/** Options that decide the numbers of a run. The others (output, when to save, …) may change between its parts. */
const deciding = [
  'epochs', 'maxSteps', 'batchSize', 'gradientAccumulationSteps', 'learningRate', 'schedule', 'warmupSteps', 'warmupRatio',
  'weightDecay', 'betas', 'eps', 'maxGradNorm', 'labelSmoothing', 'classWeights', 'positiveWeights', 'focalGamma', 'neftuneAlpha',
  'layerwiseDecay', 'unfreeze', 'seed', 'shuffle', 'groupByLength', 'batchTokens', 'maskProbability', 'wholeWord', 'evaluateEvery', 'metricForBest',
  'earlyStopping', 'loadBest',
] as const // prettier-ignore

export function decidingOptions(options: SettledTrainOptions, model: Model): Record<string, unknown> {
  const chosen: Record<string, unknown> = Object.fromEntries(deciding.map((key) => [key, options[key]]))
  const shapes = [...model.parameters()].map(({ name, shape, trainable }) => [name, shape, trainable])
  const { task, problemType, labels } = model
  const identity = {
    ...chosen,
    // Its bins are of so many tokens.
    ...(options.packing && { packing: true, maxLength: options.maxLength }),
    ...(options.optim !== 'adamw' && { optim: options.optim }),
    ...(isStreamed(options) && { streaming: true, shuffleBuffer: options.shuffleBuffer }),
    task,
    problemType,
    labels,
    adapter: model.adapter,
    parameters: digest(JSON.stringify(shapes)),
    dtype: model.dtype,
  }
  // As it will be read back from a checkpoint: without what is undefined, patterns as text.
  return JSON.parse(
    JSON.stringify(identity, (_, value: unknown) => (value instanceof RegExp ? String(value) : value)),
  ) as Record<string, unknown>
}

/** The event loop goes on meanwhile. */
export async function digestExamples(examples: Iterable<EncodedExample>): Promise<string> {
  const hash = createHash('sha256')
  const turns = new EventLoopTurns()
  for (const example of examples) {
    const parts = isLabelled(example)
      ? [example.inputIds, example.labels, example.tokenTypeIds, example.decoderInputIds]
      : [example.inputIds, example.positiveIds, example.negativeIds]
    // As float64, which holds ids and numbers to predict alike; each part after its length, -1 where it is absent.
    const values = parts.flatMap((part) =>
      part === undefined ? [-1] : typeof part === 'number' ? [0, part] : [part.length, ...part],
    )
    hash.update(new Uint8Array(Float64Array.from(values).buffer))
    if (turns.isDue) await turns.next()
  }
  return hash.digest('hex')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
