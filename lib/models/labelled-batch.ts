import { AttuneError } from '../errors.js'
import type { NativeBatch } from '../native.js'
import {
  causalTargets,
  flatten,
  lossInputs,
  type Batch,
  type BatchLimits,
  type FlatBatch,
  type Targets,
} from './batch.js'

export interface LabelledBatch {
  readonly flat: FlatBatch
  readonly targets: Targets
}

export function labelled(batch: Batch, limits: BatchLimits, where = 'batch'): LabelledBatch {
  const flat = flatten(batch, limits, where)
  return { flat, targets: causalTargets(batch, flat, limits, where) }
}

/**
 * The micro-batches of one step. Their losses add up to the mean over the labelled tokens of all of them; one without any
 * adds nothing and is left out. @throws AttuneError `all-labels-masked`
 */
export function stepInputs(
  batches: readonly Batch[],
  limits: BatchLimits,
): { readonly inputs: readonly NativeBatch[]; readonly tokens: number } {
  const several = batches.length !== 1
  const all = batches.map((batch, i) => labelled(batch, limits, several ? `batches[${i}]` : 'batch'))
  const tokens = all.reduce((sum, { targets }) => sum + targets.rows.length, 0)
  if (tokens === 0) {
    throw new AttuneError(
      'all-labels-masked',
      'No token carries a loss: every label is -100, or stands first in its text.',
      { where: several ? 'batches' : 'batch' },
    )
  }
  const asked = all.filter(({ targets }) => targets.rows.length > 0)
  return { inputs: asked.map(({ flat, targets }) => lossInputs(flat, targets, 1 / tokens)), tokens }
}
