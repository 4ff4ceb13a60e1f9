/**
 * One typed function per op of the core. Inputs and attributes are those of `native/kernels/<op>.h`; the core checks
 * them. Each adds a node at the builder's path.
 */
import { AttuneError } from '../errors.js'
import type { GraphBuilder, Value } from './builder.js'
import {
  binaryCrossEntropy,
  contrastiveLoss,
  crossEntropy,
  linearCrossEntropy,
  meanSquaredError,
  spanCrossEntropy,
} from './losses.js'

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
}

export function embedding(g: GraphBuilder, table: Value, ids: Value, options: EmbeddingOptions): Value {
  const { vocabulary, paddingIndex: padding_index, transposed } = options
  return first(g.node('embedding', [table, ids], { vocabulary, padding_index, transposed }))
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
  return first(
    g.node('linear', [x, weight, bias, lowRank?.u, lowRank?.b, addend], {
      layout: options.layout,
      scale: options.scale,
      low_rank_layout: options.lowRankLayout,
      low_rank_scale: options.lowRankScale,
    }),
  )
}

export function layerNorm(
  g: GraphBuilder,
  inputs: { readonly x: Value; readonly weight: Value; readonly bias?: Value | undefined },
  options: { readonly eps: number },
): Value {
  return first(g.node('layer_norm', [inputs.x, inputs.weight, inputs.bias], { eps: options.eps }))
}

/** `x` may be several times as wide as `weight`: each part is then normed by itself. */
export function rmsNorm(
  g: GraphBuilder,
  inputs: { readonly x: Value; readonly weight: Value },
  options: { readonly eps: number; readonly weightOffset?: number },
): Value {
  const attributes = { eps: options.eps, weight_offset: options.weightOffset }
  return first(g.node('rms_norm', [inputs.x, inputs.weight], attributes))
}

export interface RotaryOptions {
  readonly headDim: number
  readonly inverseFrequencies: readonly number[]
  readonly attentionScaling?: number | undefined
  /**
   * Of every `period` heads the first `rotated` are turned, the others copied: heads + kvHeads of heads + 2 kvHeads
   * for packed [q | k | v], 2 of 3 for interleaved ones. @default all heads
   */
  readonly pattern?: { readonly rotated: number; readonly period: number } | undefined
}

export function rotary(g: GraphBuilder, x: Value, positions: Value, options: RotaryOptions): Value {
  return first(
    g.node('rotary', [x, positions], {
      head_dim: options.headDim,
      inverse_frequencies: options.inverseFrequencies,
      attention_scaling: options.attentionScaling,
      rotated: options.pattern?.rotated,
      period: options.pattern?.period,
    }),
  )
}

/** How one matrix holds query, key and value: [q | k | v], or q, k, v of each head in turn (GPT-NeoX). */
export type AttentionPacking = 'qkv' | 'interleaved'

/** T5's relative position bias: `table` is (buckets, heads). */
export interface RelativeBias {
  readonly table: Value
  /** Tokens from which on all distances share the last bucket. @default 128 */
  readonly maxDistance?: number | undefined
  /** Keys behind and before the query have buckets of their own. @default true unless causal */
  readonly bidirectional?: boolean | undefined
}

/** Separate query, key and value, or all three in `packed`, by default as `qkv`. */
export type AttentionInputs = (
  | {
      readonly q: Value
      readonly k: Value
      readonly v: Value
      readonly packed?: undefined
      /** Segments of k and v, where they have rows of their own (cross attention: never causal, no window). */
      readonly keySegments?: Value | undefined
    }
  | { readonly packed: Value; readonly packing?: AttentionPacking; readonly keySegments?: undefined }
) & { readonly relativeBias?: RelativeBias | undefined }

export interface AttentionOptions {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scale: number
  /** @default true, without `keySegments` */
  readonly causal?: boolean
  /** Tokens each token sees, itself included. */
  readonly window?: number | undefined
  readonly softcap?: number | undefined
  /** On the probabilities; drawn in `train` mode alone. */
  readonly dropout?: number
}

export function attention(g: GraphBuilder, inputs: AttentionInputs, segments: Value, options: AttentionOptions): Value {
  const { p, stream } = dropoutAttributes(g, options.dropout ?? 0)
  const attributes = { ...attentionAttributes(inputs, options), dropout: p, stream }
  const { keySegments, relativeBias } = inputs
  return first(
    g.node('attention', [...attentionValues(inputs), segments, keySegments, relativeBias?.table], attributes),
  )
}

export interface CacheInputs {
  readonly keys: Value
  readonly values: Value
  readonly segments: Value
  readonly slots: Value
  /** Rows that each sequence's slot already holds. */
  readonly lengths: Value
}

/**
 * The decoding form: writes the new keys and values into the caches and attends to all that is there. With
 * `keySegments` a sequence's new keys may be none: cross attention writes the encoder's once and reads them after.
 */
export function cachedAttention(
  g: GraphBuilder,
  inputs: AttentionInputs,
  cache: CacheInputs,
  options: AttentionOptions,
): Value {
  const { keys, values, segments, slots, lengths } = cache
  const { keySegments, relativeBias } = inputs
  const cached = [keys, values, segments, slots, lengths, keySegments, relativeBias?.table]
  const all = [...attentionValues(inputs), ...cached]
  return first(g.node('cached_attention', all, attentionAttributes(inputs, options)))
}

export function activation(g: GraphBuilder, x: Value, kind: Activation): Value {
  return first(g.node('activation', [x], { kind }))
}

/** activation(gate) * up. Without `up` both lie side by side in `gate`'s columns, in `order`. */
export function gatedActivation(
  g: GraphBuilder,
  gate: Value,
  up: Value | undefined,
  kind: Activation,
  order?: 'gate_up' | 'up_gate',
): Value {
  return first(g.node('gated_activation', [gate, up], { kind, order }))
}

export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return first(g.node('add', [a, b], {}))
}

/** The value itself outside `train` mode or when `p` is 0. */
export function dropout(g: GraphBuilder, x: Value, p: number): Value {
  const drawn = dropoutAttributes(g, p)
  return drawn.p === undefined ? x : first(g.node('dropout', [x], { p: drawn.p, stream: drawn.stream }))
}

export function gatherRows(g: GraphBuilder, x: Value, rows: Value): Value {
  return first(g.node('gather_rows', [x, rows], {}))
}

/** factor * x */
export function scale(g: GraphBuilder, x: Value, factor: number): Value {
  return first(g.node('scale', [x], { factor }))
}

/** Each row divided by its length. */
export function l2Normalize(g: GraphBuilder, x: Value): Value {
  return first(g.node('l2_normalize', [x], {}))
}

/** NEFTune's noise on embeddings, in `train` mode alone; the value itself when `alpha` is 0. */
export function embeddingNoise(g: GraphBuilder, x: Value, segments: Value, alpha: number): Value {
  if (g.mode !== 'train' || alpha === 0) return x
  return first(g.node('embedding_noise', [x, segments], { alpha, stream: g.stream }))
}

/** The mean of each segment's rows: (sequences, features). */
export function segmentMean(g: GraphBuilder, x: Value, segments: Value): Value {
  return first(g.node('segment_mean', [x, segments], {}))
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
  return first(g.node('low_rank_weight_norm', [inputs.weight, inputs.a, inputs.b], attributes))
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
  return first(g.node('magnitude', [x, inputs.magnitude, norm, bias, addend], {}))
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
  'segment_mean_backward',
  'magnitude_gradient',
  'l2_normalize_backward',
  'accumulate_gradient',
] as const

function first(values: readonly Value[]): Value {
  const value = values[0]
  if (value === undefined) throw new AttuneError('internal', 'the core made a node without outputs')
  return value
}

function dropoutAttributes(g: GraphBuilder, p: number): { p: number | undefined; stream: number | undefined } {
  return g.mode === 'train' && p > 0 ? { p, stream: g.stream } : { p: undefined, stream: undefined }
}

function attentionValues(inputs: AttentionInputs): (Value | undefined)[] {
  return inputs.packed === undefined ? [inputs.q, inputs.k, inputs.v] : [inputs.packed, undefined, undefined]
}

function attentionAttributes(inputs: AttentionInputs, options: AttentionOptions) {
  return {
    heads: options.heads,
    kv_heads: options.kvHeads,
    head_dim: options.headDim,
    scale: options.scale,
    causal: inputs.keySegments === undefined ? options.causal : false,
    window: options.window,
    softcap: options.softcap,
    bias_max_distance: inputs.relativeBias?.maxDistance,
    bias_bidirectional: inputs.relativeBias?.bidirectional,
    packing: inputs.packed === undefined ? undefined : (inputs.packing ?? 'qkv'),
  }
}
