/**
 * The ops that are the root of a training graph. `loss` is `lossScale` times the sum of `rowLoss`: `lossScale` carries
 * every factor, such as one over the number of labelled tokens of all micro-batches.
 */
import { AttuneError } from '../errors.js'
import type { GraphBuilder, TokenRows, Value } from './builder.js'

export interface Loss {
  readonly loss: Value
  readonly rowLoss: Value
}

export interface ClassLoss extends Loss {
  /** The first largest logit of each row. */
  readonly prediction: Value
}

export interface LinearCrossEntropyInputs {
  readonly hidden: Value
  readonly weight: Value
  readonly labels: Value
  readonly lossScale: Value
  readonly bias?: Value | undefined
  /** In place of rows of `weight`. */
  readonly tokens?: TokenRows | undefined
}

export function linearCrossEntropy(
  g: GraphBuilder,
  inputs: LinearCrossEntropyInputs,
  options: { readonly labelSmoothing?: number; readonly softcap?: number | undefined } = {},
): ClassLoss {
  const { hidden, weight, labels, lossScale, bias, tokens } = inputs
  const { labelSmoothing: label_smoothing, softcap } = options
  const values = [hidden, weight, labels, lossScale, bias, tokens?.rows]
  return classLoss(g, g.node('linear_cross_entropy', values, { label_smoothing, softcap, token_ids: tokens?.ids }))
}

export interface LossOptions {
  readonly labelSmoothing?: number | undefined
  /** 0: plain cross-entropy. */
  readonly focalGamma?: number | undefined
}

export interface CrossEntropyInputs {
  /** (rows, classes) */
  readonly logits: Value
  /** One class per row; rows without a label are to be left out by `gatherRows`. */
  readonly labels: Value
  readonly lossScale: Value
  /** float32 (classes) */
  readonly classWeights?: Value | undefined
}

export function crossEntropy(g: GraphBuilder, inputs: CrossEntropyInputs, options: LossOptions = {}): ClassLoss {
  const { logits, labels, lossScale, classWeights } = inputs
  return classLoss(g, g.node('cross_entropy', [logits, labels, lossScale, classWeights], lossAttributes(options)))
}

export interface BinaryCrossEntropyInputs {
  /** (rows, labels) */
  readonly logits: Value
  /** float32 (rows, labels), each in [0, 1] */
  readonly targets: Value
  readonly lossScale: Value
  /** float32 (labels) */
  readonly positiveWeights?: Value | undefined
}

/** Each label on its own; `rowLoss` is their sum. */
export function binaryCrossEntropy(g: GraphBuilder, inputs: BinaryCrossEntropyInputs, options: LossOptions = {}): Loss {
  const { logits, targets, lossScale, positiveWeights } = inputs
  const values = [logits, targets, lossScale, positiveWeights]
  return rowLosses(g, g.node('binary_cross_entropy', values, lossAttributes(options)))
}

export interface MeanSquaredErrorInputs {
  /** (rows, outputs) */
  readonly predictions: Value
  /** float32 (rows, outputs) */
  readonly targets: Value
  readonly lossScale: Value
}

/** `rowLoss` is the sum of a row's squared errors: the mean is `lossScale`'s business. */
export function meanSquaredError(g: GraphBuilder, inputs: MeanSquaredErrorInputs): Loss {
  const { predictions, targets, lossScale } = inputs
  return rowLosses(g, g.node('mean_squared_error', [predictions, targets, lossScale], {}))
}

export interface SpanCrossEntropyInputs {
  /** (tokens, 2): where the answer starts and where it ends. */
  readonly logits: Value
  readonly segments: Value
  /** (sequences, 2), counted from each sequence's first token; one outside of it (-1) carries no loss. */
  readonly positions: Value
  readonly lossScale: Value
}

/** Each sequence is a row; its `rowLoss` is the sum of the cross-entropies of start and end. */
export function spanCrossEntropy(g: GraphBuilder, inputs: SpanCrossEntropyInputs): Loss {
  const { logits, segments, positions, lossScale } = inputs
  return rowLosses(g, g.node('span_cross_entropy', [logits, segments, positions, lossScale], {}))
}

export interface ContrastiveLossInputs {
  /** (rows, features) */
  readonly anchors: Value
  /** (candidates, features) */
  readonly candidates: Value
  /** Index of each anchor's positive among the candidates. */
  readonly labels: Value
  readonly lossScale: Value
}

/** Cross-entropy over `scale` times the cosine of each anchor with every candidate: the others are the negatives. */
export function contrastiveLoss(
  g: GraphBuilder,
  inputs: ContrastiveLossInputs,
  options: { readonly scale: number },
): ClassLoss {
  const { anchors, candidates, labels, lossScale } = inputs
  return classLoss(g, g.node('contrastive_loss', [anchors, candidates, labels, lossScale], { scale: options.scale }))
}

function lossAttributes({ labelSmoothing, focalGamma }: LossOptions) {
  return { label_smoothing: labelSmoothing, focal_gamma: focalGamma }
}

function rowLosses(g: GraphBuilder, [loss, rowLoss]: readonly Value[]): Loss {
  if (loss === undefined || rowLoss === undefined) {
    throw new AttuneError('internal', 'a loss gave fewer than two outputs', { where: g.path })
  }
  return { loss, rowLoss }
}

function classLoss(g: GraphBuilder, outputs: readonly Value[]): ClassLoss {
  const prediction = outputs[2]
  if (prediction === undefined) throw new AttuneError('internal', 'a loss gave no prediction', { where: g.path })
  return { ...rowLosses(g, outputs), prediction }
}
