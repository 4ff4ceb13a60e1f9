/** Blocks computed again in the backward pass: the same bits in every family, less memory, more work. */
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'

const common = { vocab_size: 32, hidden_size: 16, num_hidden_layers: 4, num_attention_heads: 2 }
const gated = { ...common, intermediate_size: 24, num_key_value_heads: 1, max_position_embeddings: 64 }
const encoder = { ...common, intermediate_size: 24, max_position_embeddings: 64 }

const families: readonly Readonly<Record<string, unknown>>[] = [
  { model_type: 'gpt2', vocab_size: 32, n_positions: 64, n_embd: 16, n_layer: 4, n_head: 2 },
  { model_type: 'llama', ...gated },
  { model_type: 'qwen3', ...gated, head_dim: 8 },
  { model_type: 'gemma2', ...gated, head_dim: 8, sliding_window: 4 },
  { model_type: 'phi3', ...gated, pad_token_id: 0 },
  { model_type: 'gpt_neox', ...encoder },
  { model_type: 'bert', ...encoder },
  { model_type: 'distilbert', vocab_size: 32, dim: 16, hidden_dim: 24, n_layers: 4, n_heads: 2, max_position_embeddings: 64 }, // prettier-ignore
  { model_type: 'modernbert', ...encoder },
  { model_type: 't5', vocab_size: 32, d_model: 16, d_kv: 8, d_ff: 24, num_layers: 3, num_heads: 2, decoder_start_token_id: 0 }, // prettier-ignore
]

const rows = Array.from({ length: 6 }, (_, row) =>
  Array.from({ length: 3 + 5 * row }, (_, i) => 3 + ((7 * row + i) % 29)),
)
/** Not every token has a label, so that the last block has fewer rows. */
const labels = rows.map((ids) => ids.map((id, i) => (i % 3 === 1 ? -100 : id)))
const batch = { inputIds: rows, labels }

async function open(config: Readonly<Record<string, unknown>>): Promise<Model> {
  const encodes = ['bert', 'distilbert', 'modernbert'].includes(String(config.model_type))
  const task = encodes ? 'masked-lm' : config.model_type === 't5' ? 'seq2seq-lm' : 'causal-lm'
  return Model.fromConfig(config, { task, dropout: 0.2, seed: 2 })
}

async function gradientsOf(model: Model, gradientCheckpointing: boolean) {
  model.randomState = { seed: 5, draw: 3 }
  return model.gradients(batch, { gradientCheckpointing })
}

describe.each(families)('$model_type', (config) => {
  test.each([false, true])('gives the same bits, with an adapter: %s', async (adapted) => {
    await using model = await open(config)
    if (adapted) await model.addAdapter(lora({ rank: 2, targets: 'all-linear', dropout: 0.1 }))
    const kept = await gradientsOf(model, false)
    const again = await gradientsOf(model, true)
    expect(again.loss).toBe(kept.loss)
    expect([...again.gradients.keys()]).toEqual([...kept.gradients.keys()])
    for (const [name, { data }] of again.gradients) expect(data, name).toEqual(kept.gradients.get(name)?.data)
    expect(again.gradients.size).toBeGreaterThan(8)
  })

  test('takes less memory and more work', async () => {
    await using model = await open(config)
    const sizes = model.batchSizes(batch)
    const bytes = [false, true].map((gradientCheckpointing) => model.plan(sizes, { gradientCheckpointing }).activations)
    expect(bytes[1]).toBeLessThan((bytes[0] ?? NaN) * 0.9)
    const [kept, again] = [false, true].map(
      (gradientCheckpointing) => model.work(batch, { gradientCheckpointing }).total,
    )
    expect(again).toBeGreaterThan(kept ?? NaN)
    // The forward pass is a third of a step: no more than that is done twice.
    expect(again).toBeLessThan((kept ?? NaN) * 1.34)
  })
})

test('what lies below the lowest adapter is not computed again', async () => {
  await using model = await open(families[1] ?? {})
  await model.addAdapter(lora({ rank: 2, targets: ['layers.3.mlp.down_proj'] }))
  const [kept, again] = [false, true].map((gradientCheckpointing) => model.work(batch, { gradientCheckpointing }).total)
  expect(again).toBe(kept)
})
