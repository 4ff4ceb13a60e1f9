/** Attention over segments, with and without caches, and the rotation of its queries and keys. */
import { dropoutAttributes, type GraphBuilder, type Value } from './builder.js'

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
  return g.value('rotary', [x, positions], {
    head_dim: options.headDim,
    inverse_frequencies: options.inverseFrequencies,
    attention_scaling: options.attentionScaling,
    rotated: options.pattern?.rotated,
    period: options.pattern?.period,
  })
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
  return g.value('attention', [...attentionValues(inputs), segments, keySegments, relativeBias?.table], attributes)
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
  return g.value('cached_attention', all, attentionAttributes(inputs, options))
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
