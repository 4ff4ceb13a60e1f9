/** A model small enough to train in a test: random weights, no files. */
import { Model } from '../lib/models/model.js'
import type { ModelOptions } from '../lib/models/model-options.js'
import type { LabelledExample } from '../lib/data/example.js'
import { RandomStream } from '../lib/data/random.js'

export const vocabulary = 64

export const tinyConfig = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: vocabulary,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
} as const

export function tinyModel(options: ModelOptions = {}, config: Readonly<Record<string, unknown>> = {}): Promise<Model> {
  return Model.fromConfig({ ...tinyConfig, ...config }, { seed: 1, threads: 2, ...options })
}

/** Rows that can be learned: each token is followed by the next number but one. */
export function countingRows(
  count: number,
  seed = 1,
): (LabelledExample & { readonly inputIds: Int32Array; readonly labels: Int32Array })[] {
  const random = new RandomStream('rows', seed)
  return Array.from({ length: count }, () => {
    const length = 5 + random.nextBelow(12)
    const start = random.nextBelow(vocabulary)
    const inputIds = Int32Array.from({ length }, (_, i) => (start + 2 * i) % vocabulary)
    return { inputIds, labels: inputIds.map((id, i) => (i < 2 ? -100 : id)) }
  })
}

/** The bits of every parameter. */
export async function allWeights(model: Model): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>()
  for (const { name } of model.parameters()) weights.set(name, (await model.read(name)).data)
  return weights
}
