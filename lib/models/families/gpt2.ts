import { z } from 'zod'
import { AttuneError } from '../../errors.js'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { causalAttention } from '../../nn/attention.js'
import { embedding, tokenEmbedding } from '../../nn/embedding.js'
import { positions } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { mlp } from '../../nn/mlp.js'
import { layerNorm } from '../../nn/norm.js'
import { decoderHeads } from './decoder-heads.js'
import { readConfig, type Backbone, type ModelFamily } from '../family.js'

const size = z.int().positive()
const probability = z.number().min(0).max(1)

const schema = z.looseObject({
  vocab_size: size,
  n_positions: size,
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_inner: size.nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().positive().default(0.02),
  embd_pdrop: probability.default(0.1),
  attn_pdrop: probability.default(0.1),
  resid_pdrop: probability.default(0.1),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  reorder_and_upcast_attn: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
  classifier_dropout: probability.nullish(),
  pad_token_id: z.int().nullish(),
  tie_word_embeddings: z.boolean().default(true),
})

type Gpt2Config = z.output<typeof schema>

/** Options that change the arithmetic in ways this file does not write. */
const unsupported = ['scale_attn_by_inverse_layer_idx', 'reorder_and_upcast_attn', 'add_cross_attention'] as const

export const gpt2: ModelFamily = {
  modelTypes: ['gpt2'],
  define(json, dropout) {
    const c = withDropout(readConfig(schema, json), dropout)
    check(c)
    return {
      modelType: 'gpt2',
      kind: 'decoder',
      vocabularySize: c.vocab_size,
      maxPositions: c.n_positions,
      hiddenSize: c.n_embd,
      initializerRange: c.initializer_range,
      embedding: 'transformer.wte',
      blocks: 'transformer.h',
      blockCount: c.n_layer,
      finalNorm: 'transformer.ln_f',
      fanInFanOut: true,
      padTokenId: c.pad_token_id ?? undefined,
      hidden: (g) => hidden(g, c),
      parameterOf,
      heads: heads(c),
      headTensors: /^(lm_head|score|classifier|qa_outputs)\./,
    }
  },
}

function heads(c: Gpt2Config): Backbone['heads'] {
  return decoderHeads({
    architectures: {
      'causal-lm': 'GPT2LMHeadModel',
      'sequence-classification': 'GPT2ForSequenceClassification',
      'token-classification': 'GPT2ForTokenClassification',
      'question-answering': 'GPT2ForQuestionAnswering',
      embedding: 'GPT2Model',
    },
    tiedTo: c.tie_word_embeddings ? 'transformer.wte' : undefined,
    tokenModule: 'classifier',
    dropout: c.classifier_dropout ?? 0.1,
  })
}

function hidden(g: GraphBuilder, c: Gpt2Config): Value {
  const tokens = tokenEmbedding(g.in('transformer.wte'), {
    vocabulary: c.vocab_size,
    features: c.n_embd,
  })
  const places = embedding(g.in('transformer.wpe'), positions(g, c.n_positions), {
    vocabulary: c.n_positions,
    features: c.n_embd,
  })
  let x = ops.dropout(g.in('transformer.drop'), ops.add(g.in('transformer'), tokens, places), c.embd_pdrop)
  for (const block of g.blocks('transformer.h', c.n_layer)) {
    x = attention(block.in('attn'), layerNorm(block.in('ln_1'), x, c.layer_norm_epsilon), x, c)
    x = mlp(block.in('mlp'), layerNorm(block.in('ln_2'), x, c.layer_norm_epsilon), {
      intermediateSize: c.n_inner ?? 4 * c.n_embd,
      activation: activationNamed(c.activation_function, 'activation_function'),
      names: { up: 'c_fc', down: 'c_proj' },
      layout: 'in_out',
      dropout: c.resid_pdrop,
      initScale: residualInitScale(c),
      residual: x,
    })
  }
  return layerNorm(g.in('transformer.ln_f'), x, c.layer_norm_epsilon)
}

/** residual + dropout(c_proj(attention(c_attn(x)))): query, key and value come side by side out of one matrix. */
function attention(g: GraphBuilder, x: Value, residual: Value, c: Gpt2Config): Value {
  const headDim = c.n_embd / c.n_head
  const packed = linear(g.in('c_attn'), x, { outputs: 3 * c.n_embd, layout: 'in_out' })
  const o = causalAttention(
    g,
    { packed },
    {
      heads: c.n_head,
      kvHeads: c.n_head,
      headDim,
      scale: c.scale_attn_weights ? 1 / Math.sqrt(headDim) : 1,
      dropout: c.attn_pdrop,
    },
  )
  return linearOntoResidual(g.in('c_proj'), o, {
    outputs: c.n_embd,
    layout: 'in_out',
    residual,
    dropout: c.resid_pdrop,
    initScale: residualInitScale(c),
  })
}

/** Radford et al. 2019: 1 / √N, N the residual layers (two per block). */
function residualInitScale(c: Gpt2Config): number {
  return 1 / Math.sqrt(2 * c.n_layer)
}

function withDropout(c: Gpt2Config, dropout: number | undefined): Gpt2Config {
  if (dropout === undefined) return c
  return { ...c, embd_pdrop: dropout, attn_pdrop: dropout, resid_pdrop: dropout, classifier_dropout: dropout }
}

function check(c: Gpt2Config): void {
  for (const field of unsupported) {
    if (c[field])
      throw new AttuneError('invalid-config', `"${field}" is not supported.`, { where: `config.json.${field}` })
  }
  if (c.n_embd % c.n_head !== 0) {
    throw new AttuneError('invalid-config', `n_embd ${c.n_embd} is no multiple of n_head ${c.n_head}.`, {
      where: 'config.json.n_head',
    })
  }
  activationNamed(c.activation_function, 'activation_function')
}

/** The first files have no `transformer.` prefix, and causal masks among the weights. */
function parameterOf(tensor: string): string | undefined {
  if (/\.attn\.(masked_)?bias$/.test(tensor)) return undefined
  return /^(wte|wpe|h|ln_f)\./.test(tensor) ? `transformer.${tensor}` : tensor
}
