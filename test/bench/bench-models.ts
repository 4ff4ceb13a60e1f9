/** Tiny models of every task, without files. */
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { tinyConfig } from '../tiny-model.js'

const bert = {
  model_type: 'bert',
  vocab_size: 64,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 32,
  hidden_dropout_prob: 0.1,
}

const t5 = {
  model_type: 't5',
  architectures: ['T5ForConditionalGeneration'],
  vocab_size: 64,
  d_model: 16,
  d_kv: 4,
  d_ff: 32,
  num_layers: 2,
  num_heads: 4,
  decoder_start_token_id: 0,
}

const several = { problemType: 'multi_label_classification', labels: 3 } as const

/** Under a name of its own each: configuration and options. */
export const benchModels: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, ModelOptions]>> = {
  'causal-lm': [tinyConfig, {}],
  'causal-lm in bf16': [tinyConfig, { dtype: 'bf16' }],
  'seq2seq-lm': [t5, {}],
  'masked-lm': [bert, { task: 'masked-lm' }],
  'single labels': [bert, { task: 'sequence-classification', labels: 3 }],
  'single labels of a decoder': [tinyConfig, { task: 'sequence-classification', labels: 2 }],
  'many labels': [bert, { task: 'sequence-classification', ...several }],
  regression: [bert, { task: 'sequence-classification', labels: 1 }],
  'token-classification': [bert, { task: 'token-classification', labels: 5 }],
  'question-answering': [bert, { task: 'question-answering' }],
  embedding: [bert, { task: 'embedding' }],
}

export function benchModelOf(name: string): Promise<Model> {
  const [config, options] = benchModels[name]!
  return Model.fromConfig(config, { threads: 1, seed: 1, ...options })
}
