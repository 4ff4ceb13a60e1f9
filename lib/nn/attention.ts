import type { GraphBuilder, Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import { segments } from './inputs.js'
import { linear, linearOntoResidual } from './linear.js'

export interface AttentionShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scale: number
  readonly window?: number | undefined
  readonly softcap?: number | undefined
  readonly dropout: number
}

/** Causal attention inside the segments; over the key/value caches when decoding. */
export function causalAttention(g: GraphBuilder, inputs: ops.AttentionInputs, shape: AttentionShape): Value {
  if (g.mode !== 'decode') return ops.attention(g, inputs, segments(g), { ...shape, causal: true })
  const { slots, capacity } = g.cache
  const cacheShape = [slots, capacity, shape.kvHeads * shape.headDim]
  return ops.cachedAttention(
    g,
    inputs,
    {
      keys: g.state('key_cache', cacheShape),
      values: g.state('value_cache', cacheShape),
      segments: segments(g),
      slots: g.input('slots', ['sequences'], 'i32', slots),
      lengths: g.input('lengths', ['sequences'], 'i32', capacity),
    },
    shape,
  )
}

export interface SelfAttentionOptions extends AttentionShape {
  /** The block's input, to which the result is added. */
  readonly residual: Value
  readonly bias: boolean
  readonly rotary: { readonly positions: Value; readonly inverseFrequencies: readonly number[] }
}

/** residual + Llama's self attention: q_proj, k_proj, v_proj, rotary positions, o_proj. */
export function selfAttention(g: GraphBuilder, x: Value, options: SelfAttentionOptions): Value {
  const { heads, kvHeads, headDim, bias, residual, rotary } = options
  const turn = (name: string, value: Value) =>
    ops.rotary(g.in(name), value, rotary.positions, { headDim, inverseFrequencies: rotary.inverseFrequencies })
  const q = turn('q_rotary', linear(g.in('q_proj'), x, { outputs: heads * headDim, bias }))
  const k = turn('k_rotary', linear(g.in('k_proj'), x, { outputs: kvHeads * headDim, bias }))
  const v = linear(g.in('v_proj'), x, { outputs: kvHeads * headDim, bias })
  const o = causalAttention(g, { q, k, v }, options)
  const [outputs] = residual.shape.slice(-1) as [number]
  return linearOntoResidual(g.in('o_proj'), o, { outputs, bias, residual })
}
