/** The blocks that Llama and its kin share: pre-normed attention with rotary positions, and a gated feed-forward layer. */
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { causalAttention } from '../../nn/attention.js'
import { tokenEmbedding } from '../../nn/embedding.js'
import { positions } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { rmsNorm } from '../../nn/norm.js'
import type { Rope } from '../../nn/rope.js'

/** What varies from family to family. */
export interface DecoderStack {
  readonly vocabularySize: number
  readonly maxPositions: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly activation: ops.Activation
  readonly eps: number
  readonly paddingIndex: number | undefined
  /** Of q_proj, k_proj and v_proj. @default false */
  readonly qkvBias?: boolean
  /** Of o_proj. @default false */
  readonly outputBias?: boolean
  /** @default false */
  readonly mlpBias?: boolean
  /** Scores are multiplied by it. @default 1 / √headDim */
  readonly scale?: number
  /** scores = softcap · tanh(scores / softcap). @default none */
  readonly softcap?: number | undefined
  readonly attentionDropout: number
  /** On what attention and feed-forward layer add. @default 0 */
  readonly residualDropout?: number
  /** Embeddings are multiplied by it. @default 1 */
  readonly embeddingScale?: number
  /** Norms multiply by weight + this: Gemma's weights are kept less one. @default 0 */
  readonly normOffset?: number
  /** Whether queries and keys are normed head by head. @default false */
  readonly headNorms?: boolean
  /** Whether what attention and feed-forward layer give is normed before it is added (Gemma 2). @default false */
  readonly postNorms?: boolean
  /** Whether q, k, v and gate, up are one matrix each (Phi-3). @default false */
  readonly fused?: boolean
  /** What differs from layer to layer. */
  readonly layer: (index: number) => LayerPositions
}

export interface LayerPositions {
  readonly rope: Rope
  /** Tokens that each token sees, itself included. @default all before it */
  readonly window?: number | undefined
}

/** The last hidden state, normed. */
export function decoderStack(g: GraphBuilder, c: DecoderStack): Value {
  const table = { vocabulary: c.vocabularySize, features: c.hiddenSize, paddingIndex: c.paddingIndex }
  let x = tokenEmbedding(g.in('model.embed_tokens'), { ...table, scale: c.embeddingScale })
  for (const [i, block] of [...g.blocks('model.layers', c.layers)].entries()) {
    const attended = norm(block.in('input_layernorm'), x, c)
    const mixed = c.postNorms === true ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'
    x = added(block, 'post_attention_layernorm', x, c, (residual) =>
      attention(block.in('self_attn'), attended, residual, c, c.layer(i)),
    )
    const fed = norm(block.in(mixed), x, c)
    x = added(block, 'post_feedforward_layernorm', x, c, (residual) => mlp(block.in('mlp'), fed, residual, c))
  }
  return norm(g.in('model.norm'), x, c)
}

function norm(g: GraphBuilder, x: Value, { eps, normOffset }: DecoderStack): Value {
  return rmsNorm(g, x, eps, normOffset)
}

/** x plus what a layer gives: inside its last product, or normed first. */
function added(
  block: GraphBuilder,
  postNorm: string,
  x: Value,
  c: DecoderStack,
  layer: (residual: Value | undefined) => Value,
): Value {
  if (c.postNorms !== true) return layer(x)
  return ops.add(block.in(postNorm), x, norm(block.in(postNorm), layer(undefined), c))
}

function output(g: GraphBuilder, x: Value, residual: Value | undefined, c: DecoderStack, bias: boolean): Value {
  const outputs = c.hiddenSize
  if (residual === undefined) return linear(g, x, { outputs, bias })
  return linearOntoResidual(g, x, { outputs, bias, residual, dropout: c.residualDropout ?? 0 })
}

function attention(
  g: GraphBuilder,
  x: Value,
  residual: Value | undefined,
  c: DecoderStack,
  { rope, window }: LayerPositions,
): Value {
  const { heads, kvHeads, headDim, qkvBias: bias = false } = c
  const places = positions(g, c.maxPositions)
  const shape = {
    heads,
    kvHeads,
    headDim,
    scale: c.scale ?? 1 / Math.sqrt(headDim),
    window,
    softcap: c.softcap,
    dropout: c.attentionDropout,
  }
  const { inverseFrequencies, attentionScaling } = rope
  const turned = { headDim, inverseFrequencies, attentionScaling }
  if (c.fused === true) {
    const all = heads + 2 * kvHeads
    const qkv = linear(g.in('qkv_proj'), x, { outputs: all * headDim, bias })
    const packed = ops.rotary(g.in('rotary'), qkv, places, {
      ...turned,
      pattern: { rotated: heads + kvHeads, period: all },
    })
    return output(g.in('o_proj'), causalAttention(g, { packed }, shape), residual, c, c.outputBias ?? false)
  }
  const project = (name: 'q' | 'k' | 'v', count: number) =>
    linear(g.in(`${name}_proj`), x, { outputs: count * headDim, bias })
  const turn = (name: 'q' | 'k', count: number) => {
    const y = project(name, count)
    const normed = c.headNorms === true ? rmsNorm(g.in(`${name}_norm`), y, c.eps, c.normOffset, headDim) : y
    return ops.rotary(g.in(`${name}_rotary`), normed, places, turned)
  }
  const inputs = { q: turn('q', heads), k: turn('k', kvHeads), v: project('v', kvHeads) }
  return output(g.in('o_proj'), causalAttention(g, inputs, shape), residual, c, c.outputBias ?? false)
}

function mlp(g: GraphBuilder, x: Value, residual: Value | undefined, c: DecoderStack): Value {
  const { intermediateSize: outputs, activation, mlpBias: bias = false } = c
  const at = g.in('act_fn')
  const y =
    c.fused === true
      ? ops.gatedActivation(at, linear(g.in('gate_up_proj'), x, { outputs: 2 * outputs, bias }), undefined, activation)
      : ops.gatedActivation(
          at,
          linear(g.in('gate_proj'), x, { outputs, bias }),
          linear(g.in('up_proj'), x, { outputs, bias }),
          activation,
        )
  return output(g.in('down_proj'), y, residual, c, bias)
}
