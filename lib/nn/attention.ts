import type { GraphBuilder, Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import { decoderSegments, segments } from './inputs.js'

export interface AttentionShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scale: number
  readonly window?: number | undefined
  readonly softcap?: number | undefined
  readonly dropout: number
}

/**
 * Causal attention inside the segments; over the key/value caches when decoding.
 * @param ends of the segments. @default those of the model's only tokens
 */
export function causalAttention(
  g: GraphBuilder,
  inputs: ops.AttentionInputs,
  shape: AttentionShape,
  ends: Value = segments(g),
): Value {
  if (g.mode !== 'decode') return ops.attention(g, inputs, ends, { ...shape, causal: true })
  const { slots, capacity } = g.cache
  const cacheShape = [slots, capacity, shape.kvHeads * shape.headDim]
  return ops.cachedAttention(
    g,
    inputs,
    {
      keys: g.state('key_cache', cacheShape),
      values: g.state('value_cache', cacheShape),
      segments: ends,
      slots: g.input('slots', ['sequences'], 'i32', slots),
      lengths: g.input('lengths', ['sequences'], 'i32', capacity),
    },
    shape,
  )
}

/** Attention of the decoder's tokens to all of the encoder's; to the cached ones when decoding, and those that are new. */
export function crossAttention(
  g: GraphBuilder,
  inputs: { readonly q: Value; readonly k: Value; readonly v: Value },
  shape: AttentionShape,
): Value {
  const over = { ...inputs, keySegments: segments(g) }
  const ends = decoderSegments(g)
  if (g.mode !== 'decode') return ops.attention(g, over, ends, { ...shape, causal: false })
  const { slots, encoderCapacity = 0 } = g.cache
  const cacheShape = [slots, encoderCapacity, shape.kvHeads * shape.headDim]
  return ops.cachedAttention(
    g,
    over,
    {
      keys: g.state('key_cache', cacheShape),
      values: g.state('value_cache', cacheShape),
      segments: ends,
      slots: g.input('slots', ['sequences'], 'i32', slots),
      lengths: g.input('encoder_lengths', ['sequences'], 'i32', encoderCapacity + 1),
    },
    shape,
  )
}
