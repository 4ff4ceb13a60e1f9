/** NEFTune's noise: in training alone, in every family, drawn anew with each draw. */
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'

const common = { vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 }
const gated = { ...common, intermediate_size: 24, num_key_value_heads: 1, max_position_embeddings: 16 }
const encoder = { ...common, intermediate_size: 24, max_position_embeddings: 24 }

const families: readonly Readonly<Record<string, unknown>>[] = [
  { model_type: 'gpt2', vocab_size: 32, n_positions: 16, n_embd: 16, n_layer: 1, n_head: 2 },
  { model_type: 'llama', ...gated },
  { model_type: 'gemma', ...gated, head_dim: 8 },
  { model_type: 'gpt_neox', ...encoder },
  { model_type: 'bert', ...encoder },
  {
    model_type: 'distilbert',
    vocab_size: 32,
    dim: 16,
    hidden_dim: 24,
    n_layers: 1,
    n_heads: 2,
    max_position_embeddings: 16,
  },
  { model_type: 'modernbert', ...encoder },
  {
    model_type: 't5',
    vocab_size: 32,
    d_model: 16,
    d_kv: 8,
    d_ff: 24,
    num_layers: 1,
    num_heads: 2,
    decoder_start_token_id: 0,
  },
]

const rows = [
  [3, 4, 5, 6],
  [7, 8],
]
const batch = { inputIds: rows, labels: rows }

describe.each(families)('$model_type', (config) => {
  test('is noisy in training, with noise of its own in each draw, and nowhere else', async () => {
    const encodes = ['bert', 'distilbert', 'modernbert'].includes(String(config.model_type))
    const task = encodes ? 'masked-lm' : config.model_type === 't5' ? 'seq2seq-lm' : 'causal-lm'
    await using model = await Model.fromConfig(config, { task, dropout: false, seed: 2 })
    const lossOf = async (neftuneAlpha: number, draw: number) => {
      model.randomState = { seed: 5, draw }
      return (await model.gradients(batch, { neftuneAlpha })).loss
    }
    const plain = await lossOf(0, 0)
    const { lossSum, weight } = await model.evaluateBatch(batch)
    expect(plain).toBeCloseTo(lossSum / weight, 5)
    const noisy = await lossOf(5, 0)
    expect(noisy).not.toBe(plain)
    expect(await lossOf(5, 0)).toBe(noisy)
    expect(await lossOf(5, 1)).not.toBe(noisy)
    expect((await model.evaluateBatch(batch)).lossSum).toBe(lossSum)
  })
})
