import { AttuneError } from '../errors.js'
import type { NativeBatch } from '../native.js'
import { flatten, forwardInputs, type Batch, type BatchSizes } from './batch.js'
import type { ModelDefinition } from './family.js'
import type { LossOptions } from './task.js'
import { taskGraph } from './tasks/index.js'
import type { Targets } from './tasks/task-graph.js'

export interface LabelledBatch extends Targets {
  /** What the core gets for a loss of `lossScale` times the sum over the targets. */
  readonly native: (lossScale: number) => NativeBatch
}

export function labelled(batch: Batch, definition: ModelDefinition, loss: LossOptions, where = 'batch'): LabelledBatch {
  const flat = flatten(batch, definition, where)
  const targets = taskGraph(definition).targets(batch, flat, loss, where)
  const { sizes, inputs } = forwardInputs(flat)
  return {
    ...targets,
    native: (lossScale) => ({
      sizes: { ...sizes, ...targets.sizes },
      inputs: { ...inputs, ...targets.inputs, loss_scale: Float32Array.of(lossScale) },
    }),
  }
}

/** Sizes as `Model.plan` takes them, of a batch that is checked as a step checks it. */
export function batchSizes(batch: Batch, definition: ModelDefinition, loss: LossOptions, where?: string): BatchSizes {
  const { count, native } = labelled(batch, definition, loss, where)
  const { tokens = 0, sequences = 0, decoder_tokens: decoderTokens, candidates } = native(1).sizes
  return {
    tokens,
    sequences,
    rows: count,
    ...(decoderTokens === undefined ? {} : { decoderTokens }),
    ...(candidates === undefined ? {} : { candidates }),
  }
}

/**
 * The micro-batches of one step. Their losses add up to the mean over all that is labelled in all of them; one without any
 * adds nothing and is left out. @throws AttuneError `all-labels-masked`
 */
export function stepInputs(
  batches: readonly Batch[],
  definition: ModelDefinition,
  loss: LossOptions,
): { readonly inputs: readonly NativeBatch[]; readonly count: number } {
  const several = batches.length !== 1
  const all = batches.map((batch, i) => labelled(batch, definition, loss, several ? `batches[${i}]` : 'batch'))
  const weight = all.reduce((sum, part) => sum + part.weight, 0)
  const count = all.reduce((sum, part) => sum + part.count, 0)
  if (!(weight > 0)) {
    const reason =
      count > 0
        ? 'the class weights of all labels are 0'
        : definition.task === 'causal-lm'
          ? 'every label is -100, or stands first in its text'
          : 'every label is -100'
    throw new AttuneError('all-labels-masked', `Nothing carries a loss: ${reason}.`, {
      where: several ? 'batches' : 'batch',
    })
  }
  return { inputs: all.filter((part) => part.weight > 0).map((part) => part.native(1 / weight)), count }
}
