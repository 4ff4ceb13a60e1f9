import { expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora, type LoraConfig } from '../../lib/nn/lora.js'
import { tinyGpt2, tinyLlama } from './fixture-models.js'

const rows = [
  [1, 2, 3, 4, 5, 6, 7, 8],
  [9, 10, 11],
]
const batch = {
  inputIds: rows,
  labels: rows,
  positionIds: [
    [0, 1, 2, 0, 1, 2, 3, 4],
    [0, 1, 2],
  ],
}

const cases: [string, Record<string, unknown>, LoraConfig | undefined][] = [
  ['GPT-2 with every dropout', { ...tinyGpt2, embd_pdrop: 0.2, attn_pdrop: 0.3, resid_pdrop: 0.2 }, undefined],
  [
    'Llama with attention dropout and biases',
    { ...tinyLlama, attention_dropout: 0.3, attention_bias: true, mlp_bias: true },
    undefined,
  ],
  ['LoRA on GPT-2 with dropout', tinyGpt2, lora({ rank: 2, init: 'gaussian', dropout: 0.3 })],
  [
    'LoRA on Llama with dropout',
    tinyLlama,
    lora({ rank: 2, dropout: 0.3, targets: ['q_proj', 'down_proj', 'embed_tokens'] }),
  ],
]

/** The loss falls along the gradient as fast as the gradient says: the same masks are drawn forward and backward. */
test.each(cases)('%s: gradients are the slope of the loss', async (_, config, adapter) => {
  await using model = await Model.fromConfig({ initializer_range: 0.3, ...config }, { seed: 5 })
  if (adapter !== undefined) {
    await model.addAdapter(adapter)
    // B starts as zeros, where A has no gradient.
    for (const { name, trainable } of model.parameters()) {
      if (!trainable) continue
      const { data } = await model.read(name)
      await model.write(
        name,
        data.map((value, i) => value + 0.1 * Math.sin(i + 1)),
      )
    }
  }
  const { loss, gradients } = await model.gradients(batch)
  expect(loss).toBeGreaterThan(0)
  for (const [name, { data: gradient }] of gradients) {
    const squares = gradient.reduce((sum, value) => sum + value * value, 0)
    const { data: start } = await model.read(name)
    // A step along the gradient that moves the loss by about 2e-3: well above float32's rounding of it.
    const step = Math.min(2e-3 / squares, 2e-2 / Math.sqrt(squares))
    if (squares < 1e-8) continue
    const moved = async (sign: number) => {
      await model.write(
        name,
        start.map((value, i) => value + sign * step * gradient[i]!),
      )
      return (await model.gradients(batch)).loss
    }
    const slope = ((await moved(1)) - (await moved(-1))) / (2 * step)
    await model.write(name, start)
    expect([name, slope / squares]).toEqual([name, expect.closeTo(1, 1)])
  }
})
