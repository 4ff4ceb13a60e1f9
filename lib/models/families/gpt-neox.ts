import { z } from 'zod'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { causalAttention } from '../../nn/attention.js'
import { tokenEmbedding } from '../../nn/embedding.js'
import { positions } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { mlp } from '../../nn/mlp.js'
import { layerNorm } from '../../nn/norm.js'
import { inverseFrequencies, ropeFields } from '../../nn/rope.js'
import { probability, requireMultiple, size } from './config-checks.js'
import { decoderHeads } from './decoder-heads.js'
import { readConfig, type ModelFamily } from '../family.js'

const schema = z.looseObject({
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  intermediate_size: size,
  hidden_act: z.string().default('gelu'),
  rotary_pct: z.number().positive().max(1).default(0.25),
  rotary_emb_base: z.number().positive().default(10000),
  attention_dropout: probability.default(0),
  hidden_dropout: probability.default(0),
  classifier_dropout: probability.default(0.1),
  max_position_embeddings: size.default(2048),
  initializer_range: z.number().positive().default(0.02),
  layer_norm_eps: z.number().positive().default(1e-5),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  pad_token_id: z.int().min(0).nullish(),
  tie_word_embeddings: z.boolean().default(false),
  ...ropeFields,
})

type GptNeoxConfig = z.output<typeof schema>

/** GPT-NeoX and Pythia (Black et al. 2022): attention and feed-forward layer side by side, part of each head turned. */
export const gptNeox: ModelFamily = {
  modelTypes: ['gpt_neox'],
  define(json, dropout) {
    const read = readConfig(schema, json)
    const c =
      dropout === undefined
        ? read
        : { ...read, attention_dropout: dropout, hidden_dropout: dropout, classifier_dropout: dropout }
    requireMultiple('hidden_size', c.hidden_size, 'num_attention_heads', c.num_attention_heads)
    activationNamed(c.hidden_act, 'hidden_act')
    const rope = inverseFrequencies(
      { rope_theta: c.rotary_emb_base, partial_rotary_factor: c.rotary_pct, ...ropeOf(c) },
      c.hidden_size / c.num_attention_heads,
      c.max_position_embeddings,
    )
    return {
      modelType: 'gpt_neox',
      kind: 'decoder',
      vocabularySize: c.vocab_size,
      maxPositions: c.max_position_embeddings,
      hiddenSize: c.hidden_size,
      initializerRange: c.initializer_range,
      embedding: 'gpt_neox.embed_in',
      blocks: 'gpt_neox.layers',
      blockCount: c.num_hidden_layers,
      finalNorm: 'gpt_neox.final_layer_norm',
      fanInFanOut: false,
      padTokenId: c.pad_token_id ?? undefined,
      hidden: (g) => hidden(g, c, rope),
      parameterOf,
      heads: decoderHeads({
        architectures: {
          'causal-lm': 'GPTNeoXForCausalLM',
          'sequence-classification': 'GPTNeoXForSequenceClassification',
          'token-classification': 'GPTNeoXForTokenClassification',
          'question-answering': 'GPTNeoXForQuestionAnswering',
          embedding: 'GPTNeoXModel',
        },
        module: 'embed_out',
        tiedTo: c.tie_word_embeddings ? 'gpt_neox.embed_in' : undefined,
        tokenModule: 'classifier',
        dropout: c.classifier_dropout,
      }),
      headTensors: /^(embed_out|score|classifier|qa_outputs)\./,
    }
  },
}

function hidden(g: GraphBuilder, c: GptNeoxConfig, rope: readonly number[]): Value {
  const tokens = tokenEmbedding(g.in('gpt_neox.embed_in'), {
    vocabulary: c.vocab_size,
    features: c.hidden_size,
  })
  let x = ops.dropout(g.in('gpt_neox.emb_dropout'), tokens, c.hidden_dropout)
  for (const block of g.blocks('gpt_neox.layers', c.num_hidden_layers)) {
    const attended = attention(block, layerNorm(block.in('input_layernorm'), x, c.layer_norm_eps), x, c, rope)
    // In parallel both read the block's input; else the second reads what the first gave.
    const source = c.use_parallel_residual ? x : attended
    const fed = layerNorm(block.in('post_attention_layernorm'), source, c.layer_norm_eps)
    x = mlp(block.in('mlp'), fed, {
      intermediateSize: c.intermediate_size,
      activation: activationNamed(c.hidden_act, 'hidden_act'),
      names: { up: 'dense_h_to_4h', down: 'dense_4h_to_h' },
      dropout: c.hidden_dropout,
      residual: attended,
    })
  }
  return layerNorm(g.in('gpt_neox.final_layer_norm'), x, c.layer_norm_eps)
}

function attention(
  block: GraphBuilder,
  x: Value,
  residual: Value,
  c: GptNeoxConfig,
  inverseFrequencies: readonly number[],
): Value {
  const g = block.in('attention')
  const heads = c.num_attention_heads
  const headDim = c.hidden_size / heads
  const bias = c.attention_bias
  const qkv = linear(g.in('query_key_value'), x, { outputs: 3 * c.hidden_size, bias })
  const packed = ops.rotary(g.in('rotary_emb'), qkv, positions(g, c.max_position_embeddings), {
    headDim,
    inverseFrequencies,
    pattern: { rotated: 2, period: 3 },
  })
  const shape = { heads, kvHeads: heads, headDim, scale: 1 / Math.sqrt(headDim), dropout: c.attention_dropout }
  const o = causalAttention(g, { packed, packing: 'interleaved' }, shape)
  const options = { outputs: c.hidden_size, bias, residual, dropout: c.hidden_dropout }
  return linearOntoResidual(g.in('dense'), o, options)
}

/** What the configuration says in the newer fields. */
function ropeOf({ rope_parameters: parameters, rope_scaling: scaling }: GptNeoxConfig) {
  return { rope_parameters: parameters, rope_scaling: scaling }
}

/** Older files carry causal masks and rotary frequencies; files of the bare model have no prefix. */
function parameterOf(tensor: string): string | undefined {
  if (/\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/.test(tensor)) return undefined
  return /^(embed_in|layers|final_layer_norm)\./.test(tensor) ? `gpt_neox.${tensor}` : tensor
}
