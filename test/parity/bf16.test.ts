import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import {
  fixtures,
  goldens,
  present,
  ragged,
  readCase,
  realRows,
  skipIfMissing,
  type TrainingCase,
} from './golden-case.js'
import { readTensors } from './tensors.js'

const ids = [
  'training/gpt2',
  'training/llama',
  'lora/gpt2-attn',
  'lora/gpt2-all-rslora',
  'lora/llama-qv',
  'lora/llama-all-linear',
]

describe.each([fixtures, goldens])('bfloat16 stays within twice what autocast costs PyTorch: $name', (root) => {
  skipIfMissing(root)

  test.each(present(root, ids))('%s', async (id) => {
    const given = readCase<TrainingCase>(root, id)
    const { logits_max, logits_rms, loss } = given.noise!.bf16_autocast
    await using model = await Model.load(join(root.folder, given.model), {
      dtype: 'bf16',
      dropout: false,
      ...(given.adapter === undefined ? {} : { adapter: join(root.folder, id, given.adapter) }),
    })
    const first = given.batches![0]!
    const wanted = realRows(readTensors(join(root.folder, id, 'expected.safetensors')).get('logits')!, first)
    const { logits } = await model.forward(ragged(first))
    const off = wanted.map((value, i) => Math.abs(value - logits.data[i]!))
    const rms = Math.sqrt(off.reduce((sum, value) => sum + value * value, 0) / off.length)
    expect(Math.max(...off)).toBeLessThanOrEqual(2 * logits_max)
    expect(rms).toBeLessThanOrEqual(2 * logits_rms)
    const found = await model.gradients(ragged(first))
    expect(Math.abs(found.loss - given.expected.loss)).toBeLessThanOrEqual(2 * loss)
  })
})
