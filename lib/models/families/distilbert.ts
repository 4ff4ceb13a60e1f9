import { z } from 'zod'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { embedding, tokenEmbedding } from '../../nn/embedding.js'
import { positions, segments } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { mlp } from '../../nn/mlp.js'
import { layerNorm } from '../../nn/norm.js'
import { paddingRow, probability, requireMultiple, size } from './config-checks.js'
import { droppedLinear, tokenHead } from './label-heads.js'
import { readConfig, type Backbone, type ModelFamily } from '../family.js'

const schema = z.looseObject({
  vocab_size: size,
  dim: size.default(768),
  n_layers: size.default(6),
  n_heads: size.default(12),
  hidden_dim: size.default(3072),
  activation: z.string().default('gelu'),
  dropout: probability.default(0.1),
  attention_dropout: probability.default(0.1),
  qa_dropout: probability.default(0.1),
  seq_classif_dropout: probability.default(0.2),
  max_position_embeddings: size.default(512),
  // The table of sines is stored as weights too, and Hugging Face does not train it.
  sinusoidal_pos_embds: z.literal(false, 'sinusoidal_pos_embds is not supported').default(false),
  initializer_range: z.number().positive().default(0.02),
  pad_token_id: z.int().min(0).nullish(),
  tie_word_embeddings: z.boolean().default(true),
})

type DistilBertConfig = z.output<typeof schema>

/** Of every norm; the configuration has no field for it. */
const eps = 1e-12

/** DistilBERT (Sanh et al. 2019): half of BERT's layers, no token types, no pooler. */
export const distilbert: ModelFamily = {
  modelTypes: ['distilbert'],
  define(json, dropout) {
    const read = readConfig(schema, json)
    const c =
      dropout === undefined
        ? read
        : { ...read, dropout, attention_dropout: dropout, qa_dropout: dropout, seq_classif_dropout: dropout }
    requireMultiple('dim', c.dim, 'n_heads', c.n_heads)
    activationNamed(c.activation, 'activation')
    return {
      modelType: 'distilbert',
      kind: 'encoder',
      vocabularySize: c.vocab_size,
      maxPositions: c.max_position_embeddings,
      hiddenSize: c.dim,
      initializerRange: c.initializer_range,
      embedding: 'distilbert.embeddings.word_embeddings',
      blocks: 'distilbert.transformer.layer',
      blockCount: c.n_layers,
      finalNorm: undefined,
      fanInFanOut: false,
      hidden: (g) => hidden(g, c),
      parameterOf,
      heads: heads(c),
      headTensors: /^(vocab_transform|vocab_layer_norm|vocab_projector|pre_classifier|classifier|qa_outputs)\./,
    }
  },
}

function hidden(g: GraphBuilder, c: DistilBertConfig): Value {
  const at = g.in('distilbert.embeddings')
  const words = tokenEmbedding(at.in('word_embeddings'), {
    vocabulary: c.vocab_size,
    features: c.dim,
    paddingIndex: paddingRow(c) ?? 0,
  })
  const places = embedding(at.in('position_embeddings'), positions(g, c.max_position_embeddings), {
    vocabulary: c.max_position_embeddings,
    features: c.dim,
  })
  let x = ops.dropout(at.in('dropout'), layerNorm(at.in('LayerNorm'), ops.add(at, words, places), eps), c.dropout)
  for (const block of g.blocks('distilbert.transformer.layer', c.n_layers)) {
    x = layerNorm(block.in('sa_layer_norm'), attention(block.in('attention'), x, c), eps)
    const fed = mlp(block.in('ffn'), x, {
      intermediateSize: c.hidden_dim,
      activation: activationNamed(c.activation, 'activation'),
      names: { up: 'lin1', down: 'lin2' },
      dropout: c.dropout,
      residual: x,
    })
    x = layerNorm(block.in('output_layer_norm'), fed, eps)
  }
  return x
}

/** x + out_lin(attention(x)) */
function attention(g: GraphBuilder, x: Value, c: DistilBertConfig): Value {
  const headDim = c.dim / c.n_heads
  const project = (name: string) => linear(g.in(name), x, { outputs: c.dim })
  const o = ops.attention(g, { q: project('q_lin'), k: project('k_lin'), v: project('v_lin') }, segments(g), {
    heads: c.n_heads,
    kvHeads: c.n_heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    causal: false,
    dropout: c.attention_dropout,
  })
  return linearOntoResidual(g.in('out_lin'), o, { outputs: c.dim, residual: x })
}

function heads(c: DistilBertConfig): Backbone['heads'] {
  return {
    'masked-lm': {
      kind: 'vocabulary',
      architecture: 'DistilBertForMaskedLM',
      module: 'vocab_projector',
      tiedTo: c.tie_word_embeddings ? 'distilbert.embeddings.word_embeddings' : undefined,
      bias: 'vocab_projector.bias',
      modules: ['vocab_transform', 'vocab_layer_norm', 'vocab_projector'],
      optional: true,
      transform(g, rows) {
        const y = linear(g.in('vocab_transform'), rows, { outputs: c.dim })
        return layerNorm(
          g.in('vocab_layer_norm'),
          ops.activation(g.in('vocab_transform'), y, activationNamed(c.activation, 'activation')),
          eps,
        )
      },
    },
    'sequence-classification': {
      kind: 'labels',
      architecture: 'DistilBertForSequenceClassification',
      reads: 'first',
      modules: ['pre_classifier', 'classifier'],
      logits(g, x, outputs) {
        const y = ops.activation(g.in('pre_classifier'), linear(g.in('pre_classifier'), x, { outputs: c.dim }), 'relu')
        return droppedLinear(g, y, { module: 'classifier', outputs, dropout: c.seq_classif_dropout })
      },
    },
    'token-classification': tokenHead('DistilBertForTokenClassification', 'classifier', c.dropout),
    'question-answering': tokenHead('DistilBertForQuestionAnswering', 'qa_outputs', c.qa_dropout),
    embedding: { kind: 'embedding', architecture: 'DistilBertModel', pooling: 'mean', modules: [] },
  }
}

/** Files of the bare model have no prefix. */
function parameterOf(tensor: string): string | undefined {
  if (tensor.endsWith('embeddings.position_ids')) return undefined
  return /^(embeddings|transformer)\./.test(tensor) ? `distilbert.${tensor}` : tensor
}
