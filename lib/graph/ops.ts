/**
 * One typed function per op of the core. Inputs and attributes are those of `native/kernels/<op>.h`; the core checks
 * them. Each adds a node at the builder's path.
 */
import { attention, cachedAttention, rotary } from './attention.js'
import { dropoutAttributes, type GraphBuilder, type TokenRows, type Value } from './builder.js'
import {
  binaryCrossEntropy,
  contrastiveLoss,
  crossEntropy,
  linearCrossEntropy,
  meanSquaredError,
  spanCrossEntropy,
} from './losses.js'

export * from './attention.js'
export * from './losses.js'

export type WeightLayout = 'out_in' | 'in_out'

/** Hugging Face's names of the activations the core knows. */
export const activations = [
  'gelu',
  'gelu_new',
  'gelu_pytorch_tanh',
  'quick_gelu',
  'silu',
  'relu',
  'tanh',
  'sigmoid',
] as const
export type Activation = (typeof activations)[number]

export interface EmbeddingOptions {
  readonly vocabulary: number
  readonly paddingIndex?: number | undefined
  /** The table is (features, vocabulary). */
  readonly transposed?: boolean
  /** In place of rows of the table. */
  readonly tokens?: TokenRows | undefined
}

export function embedding(g: GraphBuilder, table: Value, ids: Value, options: EmbeddingOptions): Value {
  const { vocabulary, paddingIndex: padding_index, transposed, tokens } = options
  const attributes = { vocabulary, padding_index, transposed, token_ids: tokens?.ids }
  return g.value('embedding', [table, ids, tokens?.rows], attributes)
}

export interface LinearInputs {
  readonly x: Value
  readonly weight: Value
  readonly bias?: Value | undefined
  /** (tokens, rank) times (rank, outputs) is added. */
  readonly lowRank?: { readonly u: Value; readonly b: Value } | undefined
  readonly addend?: Value | undefined
}

export interface LinearOptions {
  readonly layout?: WeightLayout
  readonly scale?: number
  readonly lowRankLayout?: WeightLayout
  readonly lowRankScale?: number | undefined
}

export function linear(g: GraphBuilder, inputs: LinearInputs, options: LinearOptions = {}): Value {
  const { x, weight, bias, lowRank, addend } = inputs
  return g.value('linear', [x, weight, bias, lowRank?.u, lowRank?.b, addend], {
    layout: options.layout,
    scale: options.scale,
    low_rank_layout: options.lowRankLayout,
    low_rank_scale: options.lowRankScale,
  })
}

export function layerNorm(
  g: GraphBuilder,
  inputs: { readonly x: Value; readonly weight: Value; readonly bias?: Value | undefined },
  options: { readonly eps: number },
): Value {
  return g.value('layer_norm', [inputs.x, inputs.weight, inputs.bias], { eps: options.eps })
}

/** `x` may be several times as wide as `weight`: each part is then normed by itself. */
export function rmsNorm(
  g: GraphBuilder,
  inputs: { readonly x: Value; readonly weight: Value },
  options: { readonly eps: number; readonly weightOffset?: number },
): Value {
  const attributes = { eps: options.eps, weight_offset: options.weightOffset }
  return g.value('rms_norm', [inputs.x, inputs.weight], attributes)
}

export function activation(g: GraphBuilder, x: Value, kind: Activation): Value {
  return g.value('activation', [x], { kind })
}

/** activation(gate) * up. Without `up` both lie side by side in `gate`'s columns, in `order`. */
export function gatedActivation(
  g: GraphBuilder,
  gate: Value,
  up: Value | undefined,
  kind: Activation,
  order?: 'gate_up' | 'up_gate',
): Value {
  return g.value('gated_activation', [gate, up], { kind, order })
}

export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return g.value('add', [a, b], {})
}

/** The value itself outside `train` mode or when `p` is 0. */
export function dropout(g: GraphBuilder, x: Value, p: number): Value {
  const drawn = dropoutAttributes(g, p)
  return drawn.p === undefined ? x : g.value('dropout', [x], { p: drawn.p, stream: drawn.stream })
}

export function gatherRows(g: GraphBuilder, x: Value, rows: Value): Value {
  return g.value('gather_rows', [x, rows], {})
}

/** Where the first largest element of each row is, as i32. */
export function argmax(g: GraphBuilder, x: Value): Value {
  return g.value('argmax', [x], {})
}

/** What says how a token is drawn from each row of logits. */
export interface SampleInputs {
  /** f32, one per row. */
  readonly temperature: Value
  /** i32, one per row; 0: all. */
  readonly topK: Value
  /** f32, one per row. */
  readonly topP: Value
  /** f32, one per row. */
  readonly minP: Value
  /** i32 (rows, 2): of a number of 53 random bits, the upper 27 and the lower 26. */
  readonly uniform: Value
}

/** A token drawn from each row, as i32. */
export function sample(g: GraphBuilder, x: Value, { temperature, topK, topP, minP, uniform }: SampleInputs): Value {
  return g.value('sample', [x, temperature, topK, topP, minP, uniform], {})
}

/** Columns of logits y (rows, vocabulary) taken from z (rows, ids), then the bias added to all. */
export function replaceColumns(
  g: GraphBuilder,
  inputs: { readonly y: Value; readonly z: Value; readonly bias?: Value | undefined },
  options: { readonly ids: readonly number[] },
): Value {
  return g.value('replace_columns', [inputs.y, inputs.z, inputs.bias], { token_ids: options.ids })
}

/** factor * x */
export function scale(g: GraphBuilder, x: Value, factor: number): Value {
  return g.value('scale', [x], { factor })
}

/** Each row divided by its length. */
export function l2Normalize(g: GraphBuilder, x: Value): Value {
  return g.value('l2_normalize', [x], {})
}

/** NEFTune's noise on embeddings, in `train` mode alone; the value itself when `alpha` is 0. */
export function embeddingNoise(g: GraphBuilder, x: Value, segments: Value, alpha: number): Value {
  if (g.mode !== 'train' || alpha === 0) return x
  return g.value('embedding_noise', [x, segments], { alpha, stream: g.stream })
}

/** The mean of each segment's rows: (sequences, features). */
export function segmentMean(g: GraphBuilder, x: Value, segments: Value): Value {
  return g.value('segment_mean', [x, segments], {})
}

export interface LowRankWeightNormInputs {
  readonly weight: Value
  /** (rank, inputs) */
  readonly a: Value
  /** (outputs, rank) */
  readonly b: Value
}

/** DoRA: for each output the length of its weights in W + scale B A. A constant: no gradient passes. */
export function lowRankWeightNorm(
  g: GraphBuilder,
  inputs: LowRankWeightNormInputs,
  options: { readonly layout?: WeightLayout; readonly scale?: number } = {},
): Value {
  const attributes = { layout: options.layout, scale: options.scale }
  return g.value('low_rank_weight_norm', [inputs.weight, inputs.a, inputs.b], attributes)
}

export interface MagnitudeInputs {
  /** What W + scale B A gives, without the bias. */
  readonly x: Value
  readonly magnitude: Value
  readonly norm: Value
  readonly bias?: Value | undefined
  readonly addend?: Value | undefined
}

/** DoRA: x * magnitude / norm + bias + addend. */
export function magnitude(g: GraphBuilder, inputs: MagnitudeInputs): Value {
  const { x, norm, bias, addend } = inputs
  return g.value('magnitude', [x, inputs.magnitude, norm, bias, addend], {})
}

/** Every op that a graph is written with, by the core's name. A test holds this against the core's table, both ways. */
export const opFunctions = {
  embedding,
  linear,
  layer_norm: layerNorm,
  rms_norm: rmsNorm,
  rotary,
  attention,
  cached_attention: cachedAttention,
  activation,
  gated_activation: gatedActivation,
  add,
  dropout,
  gather_rows: gatherRows,
  argmax,
  sample,
  replace_columns: replaceColumns,
  scale,
  segment_mean: segmentMean,
  l2_normalize: l2Normalize,
  embedding_noise: embeddingNoise,
  low_rank_weight_norm: lowRankWeightNorm,
  magnitude,
  linear_cross_entropy: linearCrossEntropy,
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  mean_squared_error: meanSquaredError,
  span_cross_entropy: spanCrossEntropy,
  contrastive_loss: contrastiveLoss,
} as const

/** Ops that only the core's differentiation adds. */
export const gradientOps = [
  'embedding_backward',
  'linear_weight_gradient',
  'column_sum',
  'layer_norm_backward',
  'rms_norm_backward',
  'attention_backward',
  'activation_backward',
  'gated_activation_backward',
  'scatter_rows',
  'replace_columns_backward',
  'segment_mean_backward',
  'magnitude_gradient',
  'l2_normalize_backward',
  'accumulate_gradient',
] as const
