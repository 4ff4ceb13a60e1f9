import { z } from 'zod'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { activationNamed } from '../../nn/activation.js'
import { embedding, tokenEmbedding } from '../../nn/embedding.js'
import { positions, segments, tokenTypeIds } from '../../nn/inputs.js'
import { linear, linearOntoResidual } from '../../nn/linear.js'
import { mlp } from '../../nn/mlp.js'
import { layerNorm } from '../../nn/norm.js'
import { invalidConfig, paddingRow, probability, refuse, requireMultiple, size } from './config-checks.js'
import { droppedLinear, tokenHead } from './label-heads.js'
import { readConfig, type Backbone, type ModelFamily } from '../family.js'

const schema = z.looseObject({
  model_type: z.string(),
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  intermediate_size: size,
  hidden_act: z.string().default('gelu'),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  classifier_dropout: probability.nullish(),
  max_position_embeddings: size.default(512),
  type_vocab_size: size.default(2),
  initializer_range: z.number().positive().default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: z.int().min(0).nullish(),
  position_embedding_type: z.string().default('absolute'),
  tie_word_embeddings: z.boolean().default(true),
})

type BertConfig = z.output<typeof schema>

/** Names and habits in which RoBERTa differs from BERT; the blocks are the same. */
interface Variant {
  /** Module path of the model without its head. */
  readonly root: string
  readonly className: string
  /** Whether positions count from pad_token_id + 1, over what is not padding. */
  readonly shifted: boolean
}

const variants: Readonly<Record<string, Variant>> = {
  bert: { root: 'bert', className: 'Bert', shifted: false },
  roberta: { root: 'roberta', className: 'Roberta', shifted: true },
  'xlm-roberta': { root: 'roberta', className: 'XLMRoberta', shifted: true },
}

/** BERT (Devlin et al. 2018), RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2019). */
export const bert: ModelFamily = {
  modelTypes: Object.keys(variants),
  define(json, dropout) {
    const c = withDropout(readConfig(schema, json), dropout)
    const variant = variants[c.model_type]
    if (variant === undefined) throw invalidConfig('model_type', `Expected one of ${Object.keys(variants).join(', ')}.`)
    check(c)
    const { root, shifted } = variant
    const padding = paddingRow(c) ?? (shifted ? 1 : 0)
    const firstPosition = shifted ? padding + 1 : 0
    const backbone = { c, root, padding, shifted }
    return {
      modelType: c.model_type,
      kind: 'encoder',
      vocabularySize: c.vocab_size,
      maxPositions: c.max_position_embeddings - firstPosition,
      hiddenSize: c.hidden_size,
      initializerRange: c.initializer_range,
      embedding: `${root}.embeddings.word_embeddings`,
      blocks: `${root}.encoder.layer`,
      blockCount: c.num_hidden_layers,
      finalNorm: undefined,
      fanInFanOut: false,
      tokenTypes: c.type_vocab_size,
      firstPosition,
      ...(shifted ? { positionsOf: (row) => shiftedPositions(row, padding) } : {}),
      hidden: (g) => hidden(g, backbone),
      parameterOf: (tensor) => parameterOf(tensor, root),
      heads: shifted ? robertaHeads(c, variant) : bertHeads(c, variant),
      headTensors: new RegExp(`^(cls|classifier|qa_outputs|lm_head|${root}\\.pooler)\\.`),
    }
  },
}

interface BertParts {
  readonly c: BertConfig
  readonly root: string
  readonly padding: number
  readonly shifted: boolean
}

function hidden(g: GraphBuilder, { c, root, padding, shifted }: BertParts): Value {
  const at = g.in(`${root}.embeddings`)
  const features = c.hidden_size
  const words = tokenEmbedding(at.in('word_embeddings'), {
    vocabulary: c.vocab_size,
    features,
    paddingIndex: padding,
  })
  const places = embedding(at.in('position_embeddings'), positions(g, c.max_position_embeddings), {
    vocabulary: c.max_position_embeddings,
    features,
    paddingIndex: shifted ? padding : undefined,
  })
  const types = embedding(at.in('token_type_embeddings'), tokenTypeIds(g, c.type_vocab_size), {
    vocabulary: c.type_vocab_size,
    features,
  })
  const sum = ops.add(at, ops.add(at, words, types), places)
  let x = ops.dropout(at.in('dropout'), layerNorm(at.in('LayerNorm'), sum, c.layer_norm_eps), c.hidden_dropout_prob)
  for (const block of g.blocks(`${root}.encoder.layer`, c.num_hidden_layers)) {
    x = attention(block.in('attention'), x, c)
    const fed = mlp(block, x, {
      intermediateSize: c.intermediate_size,
      activation: activationNamed(c.hidden_act, 'hidden_act'),
      names: { up: 'intermediate.dense', down: 'output.dense' },
      dropout: c.hidden_dropout_prob,
      residual: x,
    })
    x = layerNorm(block.in('output.LayerNorm'), fed, c.layer_norm_eps)
  }
  return x
}

function attention(g: GraphBuilder, x: Value, c: BertConfig): Value {
  const headDim = c.hidden_size / c.num_attention_heads
  const project = (name: string) => linear(g.in(`self.${name}`), x, { outputs: c.hidden_size })
  const inputs = { q: project('query'), k: project('key'), v: project('value') }
  const o = ops.attention(g.in('self'), inputs, segments(g), {
    heads: c.num_attention_heads,
    kvHeads: c.num_attention_heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    causal: false,
    dropout: c.attention_probs_dropout_prob,
  })
  const options = { outputs: c.hidden_size, residual: x, dropout: c.hidden_dropout_prob }
  return layerNorm(g.in('output.LayerNorm'), linearOntoResidual(g.in('output.dense'), o, options), c.layer_norm_eps)
}

function bertHeads(c: BertConfig, { className, root }: Variant): Backbone['heads'] {
  const dropout = c.classifier_dropout ?? c.hidden_dropout_prob
  return {
    'masked-lm': {
      kind: 'vocabulary',
      architecture: `${className}ForMaskedLM`,
      module: 'cls.predictions.decoder',
      tiedTo: c.tie_word_embeddings ? `${root}.embeddings.word_embeddings` : undefined,
      bias: 'cls.predictions.bias',
      modules: ['cls'],
      optional: true,
      transform: (g, rows) => denseActNorm(g.in('cls.predictions.transform'), rows, c, ['dense', 'LayerNorm']),
    },
    'sequence-classification': {
      kind: 'labels',
      architecture: `${className}ForSequenceClassification`,
      reads: 'first',
      modules: [`${root}.pooler`, 'classifier'],
      logits(g, x, outputs) {
        const pooled = linear(g.in(`${root}.pooler.dense`), x, { outputs: c.hidden_size })
        const y = ops.activation(g.in(`${root}.pooler`), pooled, 'tanh')
        return droppedLinear(g, y, { module: 'classifier', outputs, dropout })
      },
    },
    'token-classification': tokenHead(`${className}ForTokenClassification`, 'classifier', dropout),
    'question-answering': tokenHead(`${className}ForQuestionAnswering`, 'qa_outputs', 0),
    embedding: { kind: 'embedding', architecture: `${className}Model`, pooling: 'mean', modules: [] },
  }
}

function robertaHeads(c: BertConfig, { className, root }: Variant): Backbone['heads'] {
  const dropout = c.classifier_dropout ?? c.hidden_dropout_prob
  return {
    'masked-lm': {
      kind: 'vocabulary',
      architecture: `${className}ForMaskedLM`,
      module: 'lm_head.decoder',
      tiedTo: c.tie_word_embeddings ? `${root}.embeddings.word_embeddings` : undefined,
      bias: 'lm_head.bias',
      modules: ['lm_head'],
      optional: true,
      transform: (g, rows) =>
        denseActNorm(g.in('lm_head'), rows, { ...c, hidden_act: 'gelu' }, ['dense', 'layer_norm']),
    },
    'sequence-classification': {
      kind: 'labels',
      architecture: `${className}ForSequenceClassification`,
      reads: 'first',
      modules: ['classifier'],
      logits(g, x, outputs) {
        const at = g.in('classifier')
        const dropped = ops.dropout(at.in('dropout'), x, dropout)
        const y = ops.activation(at, linear(at.in('dense'), dropped, { outputs: c.hidden_size }), 'tanh')
        return linear(at.in('out_proj'), ops.dropout(at.in('dropout.1'), y, dropout), { outputs })
      },
    },
    'token-classification': tokenHead(`${className}ForTokenClassification`, 'classifier', dropout),
    'question-answering': tokenHead(`${className}ForQuestionAnswering`, 'qa_outputs', 0),
    embedding: { kind: 'embedding', architecture: `${className}Model`, pooling: 'mean', modules: [] },
  }
}

function denseActNorm(g: GraphBuilder, x: Value, c: BertConfig, [dense, norm]: readonly [string, string]): Value {
  const y = ops.activation(
    g,
    linear(g.in(dense), x, { outputs: c.hidden_size }),
    activationNamed(c.hidden_act, 'hidden_act'),
  )
  return layerNorm(g.in(norm), y, c.layer_norm_eps)
}

/** RoBERTa's positions: from the padding's own on, where padding itself stays. */
function shiftedPositions(row: ArrayLike<number>, padding: number): number[] {
  let next = padding
  return Array.from(row, (id) => (id === padding ? padding : ++next))
}

function withDropout(c: BertConfig, dropout: number | undefined): BertConfig {
  if (dropout === undefined) return c
  return { ...c, hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout, classifier_dropout: dropout }
}

function check(c: BertConfig): void {
  refuse(c, 'is_decoder', 'add_cross_attention')
  requireMultiple('hidden_size', c.hidden_size, 'num_attention_heads', c.num_attention_heads)
  activationNamed(c.hidden_act, 'hidden_act')
  if (c.position_embedding_type === 'absolute') return
  throw invalidConfig(
    'position_embedding_type',
    `Position embeddings "${c.position_embedding_type}" are not supported: expected "absolute".`,
  )
}

/** Files of the bare model have no prefix, TensorFlow's names are gamma and beta, and buffers are no parameters. */
function parameterOf(tensor: string, root: string): string | undefined {
  if (/\.embeddings\.(position_ids|token_type_ids)$|^embeddings\.(position_ids|token_type_ids)$/.test(tensor))
    return undefined
  const named = tensor.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias')
  if (named === 'cls.predictions.decoder.bias') return 'cls.predictions.bias'
  if (named === 'lm_head.decoder.bias') return 'lm_head.bias'
  return /^(embeddings|encoder|pooler)\./.test(named) ? `${root}.${named}` : named
}
