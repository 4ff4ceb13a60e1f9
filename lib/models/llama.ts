import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { GraphBuilder, Value } from '../graph/builder.js'
import { activationNamed } from '../nn/activation.js'
import { selfAttention } from '../nn/attention.js'
import { embedding } from '../nn/embedding.js'
import { positions, tokenIds } from '../nn/inputs.js'
import { gatedMlp } from '../nn/mlp.js'
import { rmsNorm } from '../nn/norm.js'
import { inverseFrequencies, ropeFields } from '../nn/rope.js'
import { readConfig, type ModelFamily } from './family.js'

const size = z.int().positive()

const schema = z.looseObject({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size.default(2048),
  initializer_range: z.number().positive().default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  attention_bias: z.boolean().default(false),
  attention_dropout: z.number().min(0).max(1).default(0),
  mlp_bias: z.boolean().default(false),
  pad_token_id: z.int().nullish(),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

type LlamaConfig = z.output<typeof schema>

export const llama: ModelFamily = {
  modelTypes: ['llama'],
  architectures: ['LlamaForCausalLM', 'LlamaModel'],
  define(json, dropout) {
    const config = readConfig(schema, json)
    const c = dropout === undefined ? config : { ...config, attention_dropout: dropout }
    check(c)
    return {
      modelType: 'llama',
      architecture: 'LlamaForCausalLM',
      vocabularySize: c.vocab_size,
      maxPositions: c.max_position_embeddings,
      hiddenSize: c.hidden_size,
      initializerRange: c.initializer_range,
      embedding: 'model.embed_tokens',
      blocks: 'model.layers',
      blockCount: c.num_hidden_layers,
      finalNorm: 'model.norm',
      head: 'lm_head',
      tied: c.tie_word_embeddings,
      fanInFanOut: false,
      hidden: (g) => hidden(g, c),
      parameterOf,
    }
  },
}

function hidden(g: GraphBuilder, c: LlamaConfig): Value {
  const heads = c.num_attention_heads
  const headDim = c.head_dim ?? c.hidden_size / heads
  const attention = {
    heads,
    kvHeads: c.num_key_value_heads ?? heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    dropout: c.attention_dropout,
    bias: c.attention_bias,
    rotary: {
      positions: positions(g, c.max_position_embeddings),
      inverseFrequencies: inverseFrequencies(c, headDim, c.max_position_embeddings),
    },
  }
  const mlp = {
    intermediateSize: c.intermediate_size,
    activation: activationNamed(c.hidden_act, 'hidden_act'),
    bias: c.mlp_bias,
  }
  let x = embedding(g.in('model.embed_tokens'), tokenIds(g, c.vocab_size), {
    vocabulary: c.vocab_size,
    features: c.hidden_size,
    paddingIndex: paddingRow(c),
  })
  for (const block of g.blocks('model.layers', c.num_hidden_layers)) {
    x = selfAttention(block.in('self_attn'), rmsNorm(block.in('input_layernorm'), x, c.rms_norm_eps), {
      ...attention,
      residual: x,
    })
    x = gatedMlp(block.in('mlp'), rmsNorm(block.in('post_attention_layernorm'), x, c.rms_norm_eps), {
      ...mlp,
      residual: x,
    })
  }
  return rmsNorm(g.in('model.norm'), x, c.rms_norm_eps)
}

/** torch counts a negative padding index from the end. */
function paddingRow(c: LlamaConfig): number | undefined {
  const id = c.pad_token_id
  if (id === null || id === undefined) return undefined
  return id < 0 ? c.vocab_size + id : id
}

function check(c: LlamaConfig): void {
  const fail = (field: string, message: string) =>
    new AttuneError('invalid-config', message, { where: `config.json.${field}` })
  const heads = c.num_attention_heads
  const kvHeads = c.num_key_value_heads ?? heads
  if ((c.head_dim ?? undefined) === undefined && c.hidden_size % heads !== 0) {
    throw fail('num_attention_heads', `hidden_size ${c.hidden_size} is no multiple of num_attention_heads ${heads}.`)
  }
  if (heads % kvHeads !== 0) {
    throw fail('num_key_value_heads', `num_attention_heads ${heads} is no multiple of num_key_value_heads ${kvHeads}.`)
  }
  const padding = paddingRow(c)
  if (padding !== undefined && (padding < 0 || padding >= c.vocab_size)) {
    throw fail('pad_token_id', `Expected a token id below vocab_size ${c.vocab_size} but received ${c.pad_token_id}.`)
  }
  activationNamed(c.hidden_act, 'hidden_act')
  inverseFrequencies(c, c.head_dim ?? c.hidden_size / heads, c.max_position_embeddings)
}

/** Older files carry the rotary frequencies; some carry the decoder without its prefix. */
function parameterOf(tensor: string): string | undefined {
  if (tensor.endsWith('.rotary_emb.inv_freq')) return undefined
  return /^(embed_tokens|layers|norm)\./.test(tensor) ? `model.${tensor}` : tensor
}
