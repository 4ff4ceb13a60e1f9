import { expect, test } from 'vitest'
import type { Tensor } from '../../lib/models/tensor.js'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { refusal } from '../refusal.js'
import { fixtureModel, tinyLlama } from './fixture-models.js'

const texts = [
  [5, 3, 9, 1, 7, 2],
  [8, 8, 4],
  [6, 1, 2, 3, 4, 5, 6],
]

/** Largest distance of row `i` of `whole` and row `j` of `part`. */
function distance(
  whole: { data: Float32Array },
  i: number,
  part: { data: Float32Array },
  j: number,
  width: number,
): number {
  let most = 0
  for (let k = 0; k < width; k++) {
    most = Math.max(most, Math.abs(whole.data[i * width + k]! - part.data[j * width + k]!))
  }
  return most
}

test.each(['gpt2', 'llama'] as const)('decoding %s gives the logits of the whole text', async (name) => {
  await using model = await Model.load(fixtureModel(name))
  await model.addAdapter(lora({ init: 'gaussian' }))
  const width = model.definition.vocabularySize
  const decoder = model.decoder({ slots: 3, capacity: 8 })
  expect(decoder.bytes).toBeGreaterThan(0)
  const wholes: Tensor[] = []
  for (const text of texts) wholes.push((await model.forward({ inputIds: [text] })).logits)

  // Prompts of different lengths into slots out of order, then token by token, all at once while they last.
  const held = [3, 1, 2]
  const slots = [2, 0, 1]
  const start = await decoder.step({
    inputIds: texts.map((text, s) => text.slice(0, held[s])),
    slots,
    lengths: [0, 0, 0],
  })
  texts.forEach((_, s) => expect(distance(wholes[s]!, held[s]! - 1, start, s, width)).toBeLessThan(1e-4))
  for (;;) {
    const going = texts.map((_, s) => s).filter((s) => held[s]! < texts[s]!.length)
    if (going.length === 0) break
    const step = await decoder.step({
      inputIds: going.map((s) => [texts[s]![held[s]!]!]),
      slots: going.map((s) => slots[s]!),
      lengths: going.map((s) => held[s]!),
    })
    going.forEach((s, i) => expect(distance(wholes[s]!, held[s]!, step, i, width)).toBeLessThan(1e-4))
    for (const s of going) held[s]!++
  }

  // A slot is used again from the start.
  const again = await decoder.step({ inputIds: [texts[1]!], slots: [2], lengths: [0] })
  expect(distance(wholes[1]!, texts[1]!.length - 1, again, 0, width)).toBeLessThan(1e-4)
  decoder.dispose()
  await expect(decoder.step({ inputIds: [[1]], slots: [0], lengths: [0] })).rejects.toMatchObject({ code: 'disposed' })
})

test('what does not fit is refused', async () => {
  await using model = await Model.fromConfig(tinyLlama)
  const decoder = model.decoder({ slots: 2, capacity: 4 })
  const step = (inputIds: number[][], slots: number[], lengths: number[]) => decoder.step({ inputIds, slots, lengths })
  await expect(step([[1, 2]], [0], [3])).rejects.toMatchObject({ code: 'sequence-too-long' })
  await expect(step([[]], [0], [0])).rejects.toMatchObject({ code: 'invalid-batch', where: 'inputIds[0]' })
  await expect(step([[37]], [0], [0])).rejects.toMatchObject({ code: 'invalid-batch' })
  await expect(step([[1]], [2], [0])).rejects.toMatchObject({ code: 'invalid-batch', where: 'slots[0]' })
  await expect(step([[1], [1]], [1, 1], [0, 0])).rejects.toMatchObject({ code: 'invalid-batch', where: 'slots[1]' })
  await expect(step([[1]], [0], [])).rejects.toMatchObject({ code: 'invalid-batch', where: 'lengths[0]' })
  expect((await step([[1, 2, 3, 4]], [1], [0])).shape).toEqual([1, 37])
  expect(refusal(() => model.decoder({ capacity: 17 }))).toMatchObject({
    code: 'invalid-option',
    where: 'decoder.capacity',
  })
  expect(refusal(() => model.decoder({ slots: 0 }))).toMatchObject({ code: 'invalid-option', where: 'decoder.slots' })
})
