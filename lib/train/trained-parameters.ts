import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { matchNames } from '../models/parameter-selection.js'
import type { LoraConfig } from '../nn/lora.js'
import type { Freeze } from './learning-options.js'

export interface TrainedSelection {
  readonly adapter?: LoraConfig | undefined
  readonly freeze?: Freeze | undefined
  readonly seed: number
}

/** Puts the adapter on, or freezes what is to stay. */
export async function selectTrained(model: Model, { adapter, freeze, seed }: TrainedSelection): Promise<void> {
  if (adapter !== undefined) {
    await model.addAdapter(adapter, { seed })
    return
  }
  if (freeze === undefined) return
  if (model.adapter !== undefined) {
    const message =
      'options.freeze is for training the model itself, and the model has an adapter: remove or merge it first'
    throw new AttuneError('invalid-option', message, { where: 'options.freeze' })
  }
  if (freeze === 'none') model.setTrainable('all')
  else if (freeze === 'head') model.setTrainable({ head: true })
  else if ('lastLayers' in freeze) model.setTrainable(freeze)
  else {
    const names = [...model.parameters()].map(({ name }) => name)
    const frozen = matchNames(freeze, names, 'options.freeze')
    if (frozen.size === names.length) {
      throw new AttuneError('invalid-option', 'options.freeze leaves nothing to train', { where: 'options.freeze' })
    }
    model.setTrainable(names.filter((name) => !frozen.has(name)))
  }
}

export interface ParameterCounts {
  readonly total: number
  readonly trained: number
}

export function countParameters(model: Model): ParameterCounts {
  const counts = { total: 0, trained: 0 }
  for (const { shape, trainable } of model.parameters()) {
    const count = shape.reduce((product, size) => product * size, 1)
    counts.total += count
    if (trainable) counts.trained += count
  }
  return counts
}

export function trainedNames(model: Model): string[] {
  return [...model.parameters()].filter(({ trainable }) => trainable).map(({ name }) => name)
}
