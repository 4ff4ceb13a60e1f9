import { z } from 'zod'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { causalAttention, crossAttention, type AttentionShape } from '../../nn/attention.js'
import { embedding, tokenEmbedding, type EmbeddingOptions } from '../../nn/embedding.js'
import { decoderSegments, decoderTokenIds, segments } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { rmsNorm } from '../../nn/norm.js'
import { invalidConfig, probability, refuse, size } from './config-checks.js'
import { readConfig, type ModelFamily, type VocabularyHead } from '../family.js'

const schema = z.looseObject({
  vocab_size: size,
  d_model: size,
  d_kv: size.default(64),
  d_ff: size,
  num_layers: size,
  num_decoder_layers: size.nullish(),
  num_heads: size,
  relative_attention_num_buckets: size.default(32),
  relative_attention_max_distance: size.default(128),
  dropout_rate: probability.default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  initializer_factor: z.number().positive().default(1),
  feed_forward_proj: z.string().default('relu'),
  is_encoder_decoder: z.boolean().default(true),
  pad_token_id: z.int().min(0).default(0),
  decoder_start_token_id: z.int().min(0).nullish(),
  scale_decoder_outputs: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().default(true),
})

type T5Config = z.output<typeof schema>

/** Positions are relative, so nothing limits a text but memory. */
const maxPositions = 65_536

/** T5, v1.1, Flan-T5 (Raffel et al. 2019, Chung et al. 2022) and mT5 (Xue et al. 2020). */
export const t5: ModelFamily = {
  modelTypes: ['t5', 'mt5'],
  define(json, dropout) {
    const read = readConfig(schema, json)
    const c = dropout === undefined ? read : { ...read, dropout_rate: dropout }
    refuse(c, 'is_decoder')
    feedForward(c)
    const className = read.model_type === 'mt5' ? 'MT5' : 'T5'
    return {
      modelType: String(read.model_type),
      kind: 'encoder-decoder',
      vocabularySize: c.vocab_size,
      maxPositions,
      hiddenSize: c.d_model,
      initializerRange: c.initializer_factor,
      embedding: 'shared',
      blocks: 'decoder.block',
      blockCount: c.num_decoder_layers ?? c.num_layers,
      finalNorm: 'decoder.final_layer_norm',
      fanInFanOut: false,
      padTokenId: c.pad_token_id,
      decoderStartTokenId: c.decoder_start_token_id ?? c.pad_token_id,
      hidden: (g) => decoder(g, encoder(g, c), c),
      encoder: {
        blocks: 'encoder.block',
        blockCount: c.num_layers,
        finalNorm: 'encoder.final_layer_norm',
        hidden: (g) => encoder(g, c),
      },
      parameterOf,
      heads: {
        ...(c.is_encoder_decoder ? { 'seq2seq-lm': head(c, className) } : {}),
        embedding: { kind: 'embedding', architecture: `${className}EncoderModel`, pooling: 'mean', modules: [] },
      },
      headTensors: /^(lm_head|decoder)\./,
    }
  },
}

function head(c: T5Config, className: string): VocabularyHead {
  // transformers 5 writes scale_decoder_outputs, and never scales mT5's.
  const scaled = c.scale_decoder_outputs ?? (className === 'T5' && c.tie_word_embeddings)
  return {
    kind: 'vocabulary',
    architecture: `${className}ForConditionalGeneration`,
    module: 'lm_head',
    tiedTo: c.tie_word_embeddings ? 'shared' : undefined,
    modules: [c.tie_word_embeddings ? 'shared' : 'lm_head'],
    ...(scaled ? { transform: (g, rows) => ops.scale(g.in('decoder.scale'), rows, 1 / Math.sqrt(c.d_model)) } : {}),
  }
}

function encoder(g: GraphBuilder, c: T5Config): Value {
  let x = ops.dropout(g.in('encoder.embed_dropout'), tokenEmbedding(g.in('shared'), table(c)), c.dropout_rate)
  const relativeBias = biasOf(g, 'encoder', true, c)
  for (const block of g.blocks('encoder.block', c.num_layers)) {
    const at = block.in('layer.0')
    const normed = norm(at.in('layer_norm'), x, c)
    x = attention(at.in('SelfAttention'), { x: normed, source: normed, residual: x }, c, (inner, inputs, shape) =>
      ops.attention(inner, { ...inputs, relativeBias }, segments(g), { ...shape, causal: false }),
    )
    x = feedForwardLayer(block.in('layer.1'), x, c)
  }
  return finished(g, 'encoder', x, c)
}

function decoder(g: GraphBuilder, encoded: Value, c: T5Config): Value {
  const read = embedding(g.in('shared'), decoderTokenIds(g, c.vocab_size), table(c))
  let x = ops.dropout(g.in('decoder.embed_dropout'), read, c.dropout_rate)
  const relativeBias = biasOf(g, 'decoder', false, c)
  for (const block of g.blocks('decoder.block', c.num_decoder_layers ?? c.num_layers)) {
    const self = block.in('layer.0')
    const normed = norm(self.in('layer_norm'), x, c)
    x = attention(self.in('SelfAttention'), { x: normed, source: normed, residual: x }, c, (inner, inputs, shape) =>
      causalAttention(inner, { ...inputs, relativeBias }, shape, decoderSegments(g)),
    )
    const cross = block.in('layer.1')
    const asking = norm(cross.in('layer_norm'), x, c)
    x = attention(cross.in('EncDecAttention'), { x: asking, source: encoded, residual: x }, c, crossAttention)
    x = feedForwardLayer(block.in('layer.2'), x, c)
  }
  return finished(g, 'decoder', x, c)
}

function table({ vocab_size: vocabulary, d_model: features }: T5Config): EmbeddingOptions {
  return { vocabulary, features }
}

function finished(g: GraphBuilder, stack: string, x: Value, c: T5Config): Value {
  return ops.dropout(g.in(`${stack}.dropout`), norm(g.in(`${stack}.final_layer_norm`), x, c), c.dropout_rate)
}

function norm(g: GraphBuilder, x: Value, c: T5Config): Value {
  return rmsNorm(g, x, c.layer_norm_epsilon)
}

/** One table per stack, kept by its first layer. */
function biasOf(g: GraphBuilder, stack: string, bidirectional: boolean, c: T5Config): ops.RelativeBias {
  const at = g.in(`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`)
  const shape = [c.relative_attention_num_buckets, c.num_heads]
  const table = at.parameter('weight', shape, 'weight', { initScale: c.d_model ** -0.5 })
  return { table, maxDistance: c.relative_attention_max_distance, bidirectional }
}

interface Between {
  readonly x: Value
  readonly source: Value
  readonly residual: Value
}

type Attend = (
  g: GraphBuilder,
  inputs: { readonly q: Value; readonly k: Value; readonly v: Value },
  shape: AttentionShape,
) => Value

/** residual + dropout(o(attention(q(x), k(source), v(source)))); scores are not scaled. */
function attention(g: GraphBuilder, { x, source, residual }: Between, c: T5Config, attend: Attend): Value {
  const inner = c.num_heads * c.d_kv
  const project = (name: string, from: Value, initScale: number) =>
    linear(g.in(name), from, { outputs: inner, bias: false, initScale })
  const inputs = {
    q: project('q', x, (c.d_model * c.d_kv) ** -0.5),
    k: project('k', source, c.d_model ** -0.5),
    v: project('v', source, c.d_model ** -0.5),
  }
  const o = attend(g, inputs, {
    heads: c.num_heads,
    kvHeads: c.num_heads,
    headDim: c.d_kv,
    scale: 1,
    dropout: c.dropout_rate,
  })
  const options = { outputs: c.d_model, bias: false, residual, dropout: c.dropout_rate, initScale: inner ** -0.5 }
  return linearOntoResidual(g.in('o'), o, options)
}

function feedForwardLayer(g: GraphBuilder, x: Value, c: T5Config): Value {
  const at = g.in('DenseReluDense')
  const normed = norm(g.in('layer_norm'), x, c)
  const { activation, gated } = feedForward(c)
  const up = (name: string) =>
    linear(at.in(name), normed, { outputs: c.d_ff, bias: false, initScale: c.d_model ** -0.5 })
  const y = gated
    ? ops.gatedActivation(at.in('act'), up('wi_0'), up('wi_1'), activation)
    : ops.activation(at.in('act'), up('wi'), activation)
  return linearOntoResidual(at.in('wo'), ops.dropout(at.in('dropout'), y, c.dropout_rate), {
    outputs: c.d_model,
    bias: false,
    residual: x,
    dropout: c.dropout_rate,
    dropoutName: 'dropout.1',
    initScale: c.d_ff ** -0.5,
  })
}

/** `relu`, `gated-gelu`, `gated-silu`: Hugging Face reads gated-gelu as the approximation by tanh. */
function feedForward(c: T5Config): { activation: ops.Activation; gated: boolean } {
  const match = /^(gated-)?([a-z_]+)$/.exec(c.feed_forward_proj)
  const name = match?.[2]
  if (name === undefined) {
    throw invalidConfig('feed_forward_proj', `"${c.feed_forward_proj}" is not supported: expected relu or gated-gelu.`)
  }
  const gated = match?.[1] !== undefined
  return { activation: activationNamed(gated && name === 'gelu' ? 'gelu_new' : name, 'feed_forward_proj'), gated }
}

/** Files may hold the shared table once more for each stack, and a bias of the cross attention that is never used. */
function parameterOf(tensor: string): string | undefined {
  if (/^(encoder|decoder)\.embed_tokens\.weight$/.test(tensor)) return 'shared.weight'
  if (tensor.includes('EncDecAttention.relative_attention_bias')) return undefined
  return tensor
}
