import { z } from 'zod'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { tokenEmbedding } from '../../nn/embedding.js'
import { positions, segments } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { layerNorm } from '../../nn/norm.js'
import { inverseFrequencies, ropeParameters } from '../../nn/rope.js'
import { invalidConfig, paddingRow, probability, requireMultiple, size } from './config-checks.js'
import { readConfig, type Backbone, type ModelFamily } from '../family.js'
import { layerTypes, typesOfLayers, type LayerType } from './layer-types.js'

const schema = z.looseObject({
  vocab_size: size,
  hidden_size: size.default(768),
  intermediate_size: size.default(1152),
  num_hidden_layers: size.default(22),
  num_attention_heads: size.default(12),
  hidden_activation: z.string().default('gelu'),
  max_position_embeddings: size.default(8192),
  initializer_range: z.number().positive().default(0.02),
  initializer_cutoff_factor: z.number().positive().default(2),
  norm_eps: z.number().positive().default(1e-5),
  norm_bias: z.boolean().default(false),
  pad_token_id: z.int().min(0).nullish(),
  attention_bias: z.boolean().default(false),
  attention_dropout: probability.default(0),
  mlp_bias: z.boolean().default(false),
  mlp_dropout: probability.default(0),
  embedding_dropout: probability.default(0),
  decoder_bias: z.boolean().default(true),
  classifier_pooling: z.enum(['cls', 'mean']).default('cls'),
  classifier_dropout: probability.default(0),
  classifier_bias: z.boolean().default(false),
  classifier_activation: z.string().default('gelu'),
  global_attn_every_n_layers: size.default(3),
  local_attention: size.default(128),
  global_rope_theta: z.number().positive().default(160000),
  local_rope_theta: z.number().positive().default(10000),
  layer_types: layerTypes.nullish(),
  rope_parameters: z.strictObject({ full_attention: ropeParameters, sliding_attention: ropeParameters }).nullish(),
  tie_word_embeddings: z.boolean().default(true),
})

type ModernBertConfig = z.output<typeof schema>

/** ModernBERT (Warner et al. 2024): pre-normed blocks, rotary positions, gated layers, two of three with a window. */
export const modernbert: ModelFamily = {
  modelTypes: ['modernbert'],
  define(json, dropout) {
    const c = withDropout(readConfig(schema, json), dropout)
    requireMultiple('hidden_size', c.hidden_size, 'num_attention_heads', c.num_attention_heads)
    activationNamed(c.hidden_activation, 'hidden_activation')
    activationNamed(c.classifier_activation, 'classifier_activation')
    if (c.local_attention % 2 === 1) throw invalidConfig('local_attention', 'Expected an even number of tokens.')
    const types = typesOfLayers(c.layer_types, c.num_hidden_layers, (i) =>
      i % c.global_attn_every_n_layers === 0 ? 'full_attention' : 'sliding_attention',
    )
    const frequencies = { full_attention: turns(c, 'full_attention'), sliding_attention: turns(c, 'sliding_attention') }
    return {
      modelType: 'modernbert',
      kind: 'encoder',
      vocabularySize: c.vocab_size,
      maxPositions: c.max_position_embeddings,
      hiddenSize: c.hidden_size,
      initializerRange: c.initializer_range,
      initializerCutoff: c.initializer_cutoff_factor,
      embedding: 'model.embeddings.tok_embeddings',
      blocks: 'model.layers',
      blockCount: c.num_hidden_layers,
      finalNorm: 'model.final_norm',
      fanInFanOut: false,
      hidden: (g) => hidden(g, c, types, frequencies),
      parameterOf,
      heads: heads(c),
      headTensors: /^(head|decoder|classifier)\./,
    }
  },
}

type Frequencies = Readonly<Record<LayerType, readonly number[]>>

function hidden(g: GraphBuilder, c: ModernBertConfig, types: readonly LayerType[], frequencies: Frequencies): Value {
  const at = g.in('model.embeddings')
  const tokens = tokenEmbedding(at.in('tok_embeddings'), {
    vocabulary: c.vocab_size,
    features: c.hidden_size,
    paddingIndex: paddingRow(c),
  })
  let x = ops.dropout(at.in('drop'), norm(at.in('norm'), tokens, c), c.embedding_dropout)
  for (const [i, block] of [...g.blocks('model.layers', c.num_hidden_layers)].entries()) {
    // The embeddings' norm serves the first layer.
    const attended = i === 0 ? x : norm(block.in('attn_norm'), x, c)
    x = attention(block.in('attn'), attended, x, c, types[i] ?? 'full_attention', frequencies)
    x = mlp(block.in('mlp'), norm(block.in('mlp_norm'), x, c), x, c)
  }
  return norm(g.in('model.final_norm'), x, c)
}

function norm(g: GraphBuilder, x: Value, c: ModernBertConfig): Value {
  return layerNorm(g, x, c.norm_eps, c.norm_bias)
}

function attention(
  g: GraphBuilder,
  x: Value,
  residual: Value,
  c: ModernBertConfig,
  type: LayerType,
  frequencies: Frequencies,
): Value {
  const heads = c.num_attention_heads
  const headDim = c.hidden_size / heads
  const qkv = linear(g.in('Wqkv'), x, { outputs: 3 * c.hidden_size, bias: c.attention_bias })
  const packed = ops.rotary(g.in('rotary_emb'), qkv, positions(g, c.max_position_embeddings), {
    headDim,
    inverseFrequencies: frequencies[type],
    pattern: { rotated: 2 * heads, period: 3 * heads },
  })
  const o = ops.attention(g, { packed }, segments(g), {
    heads,
    kvHeads: heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    causal: false,
    // local_attention / 2 tokens on each side, and the token itself.
    window: type === 'sliding_attention' ? c.local_attention / 2 + 1 : undefined,
    dropout: c.attention_dropout,
  })
  const options = { outputs: c.hidden_size, bias: c.attention_bias, residual, dropout: c.attention_dropout }
  return linearOntoResidual(g.in('Wo'), o, { ...options, initScale: outputScale(c) })
}

function mlp(g: GraphBuilder, x: Value, residual: Value, c: ModernBertConfig): Value {
  const both = linear(g.in('Wi'), x, { outputs: 2 * c.intermediate_size, bias: c.mlp_bias })
  const gated = ops.gatedActivation(
    g.in('act'),
    both,
    undefined,
    activationNamed(c.hidden_activation, 'hidden_activation'),
  )
  const y = ops.dropout(g.in('drop'), gated, c.mlp_dropout)
  return linearOntoResidual(g.in('Wo'), y, {
    outputs: c.hidden_size,
    bias: c.mlp_bias,
    residual,
    initScale: outputScale(c),
  })
}

/** Hugging Face starts what is added to the residual smaller. */
function outputScale(c: ModernBertConfig): number {
  return 1 / Math.sqrt(2 * c.num_hidden_layers)
}

function heads(c: ModernBertConfig): Backbone['heads'] {
  const head = (g: GraphBuilder, x: Value): Value => {
    const y = linear(g.in('head.dense'), x, { outputs: c.hidden_size, bias: c.classifier_bias })
    return norm(
      g.in('head.norm'),
      ops.activation(g.in('head'), y, activationNamed(c.classifier_activation, 'classifier_activation')),
      c,
    )
  }
  const classified = (g: GraphBuilder, x: Value, outputs: number): Value => {
    const dropped = ops.dropout(g.in('drop'), head(g, x), c.classifier_dropout)
    return linear(g.in('classifier'), dropped, {
      outputs,
      initScale: 1 / Math.sqrt(c.hidden_size) / c.initializer_range,
    })
  }
  const modules = ['head', 'classifier']
  return {
    'masked-lm': {
      kind: 'vocabulary',
      architecture: 'ModernBertForMaskedLM',
      module: 'decoder',
      tiedTo: c.tie_word_embeddings ? 'model.embeddings.tok_embeddings' : undefined,
      ...(c.decoder_bias ? { bias: 'decoder.bias' } : {}),
      modules: ['head', 'decoder'],
      optional: true,
      transform: head,
    },
    'sequence-classification': {
      kind: 'labels',
      architecture: 'ModernBertForSequenceClassification',
      reads: c.classifier_pooling === 'cls' ? 'first' : 'mean',
      modules,
      logits: classified,
    },
    'token-classification': {
      kind: 'labels',
      architecture: 'ModernBertForTokenClassification',
      reads: 'tokens',
      modules,
      logits: classified,
    },
    'question-answering': {
      kind: 'labels',
      architecture: 'ModernBertForQuestionAnswering',
      reads: 'tokens',
      modules,
      logits: classified,
    },
    embedding: { kind: 'embedding', architecture: 'ModernBertModel', pooling: 'mean', modules: [] },
  }
}

function turns(c: ModernBertConfig, type: LayerType): number[] {
  const theta = type === 'full_attention' ? c.global_rope_theta : c.local_rope_theta
  const stored = c.rope_parameters?.[type] ?? { rope_theta: theta }
  return inverseFrequencies(
    { rope_parameters: stored },
    c.hidden_size / c.num_attention_heads,
    c.max_position_embeddings,
  )
}

function withDropout(c: ModernBertConfig, dropout: number | undefined): ModernBertConfig {
  if (dropout === undefined) return c
  return {
    ...c,
    attention_dropout: dropout,
    mlp_dropout: dropout,
    embedding_dropout: dropout,
    classifier_dropout: dropout,
  }
}

/** Files of the bare model have no prefix. */
function parameterOf(tensor: string): string | undefined {
  return /^(embeddings|layers|final_norm)\./.test(tensor) ? `model.${tensor}` : tensor
}
