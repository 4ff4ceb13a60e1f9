import { expect, test } from 'vitest'
import { uniformBits } from '../../lib/generate/philox.js'
import { draw, processLogits } from '../../lib/generate/sampling.js'
import type { Tensor } from '../../lib/models/tensor.js'
import { Model } from '../../lib/models/model.js'
import { likeliest, softmax } from '../../lib/models/probabilities.js'
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

// In bfloat16 the largest logits of a row are often equal.
test.each(['f32', 'bf16'] as const)('in %s the likeliest ids are where the first largest logits are', async (dtype) => {
  await using model = await Model.load(fixtureModel('llama'), { dtype })
  const decoder = model.decoder({ slots: 3, capacity: 8 })
  const step = { inputIds: texts, slots: [2, 0, 1], lengths: [0, 0, 0] }
  const { data } = await decoder.step(step)
  expect(await decoder.likeliest(step)).toEqual(likeliest(data, model.definition.vocabularySize))
})

test.each(['f32', 'bf16'] as const)('in %s the tokens drawn are those that the logits give', async (dtype) => {
  await using model = await Model.load(fixtureModel('llama'), { dtype })
  const decoder = model.decoder({ slots: 3, capacity: 8 })
  const step = { inputIds: texts, slots: [2, 0, 1], lengths: [0, 0, 0] }
  const { data } = await decoder.step(step)
  const width = model.definition.vocabularySize
  const settings = [
    { temperature: 4, topK: 0, topP: 1, minP: 0 },
    { temperature: 8, topK: 11, topP: 0.875, minP: 0 },
    { temperature: 2, topK: 20, topP: 1, minP: 0.25 },
  ]
  for (let position = 0; position < 20; position++) {
    const draws = settings.map((setting, stream) => ({ ...setting, bits: uniformBits(7, position, stream) }))
    const expected = settings.map((setting, stream) => {
      const logits = data.subarray(stream * width, (stream + 1) * width)
      return draw(softmax(processLogits(logits, [], setting)), 7, position, stream)
    })
    expect([...(await decoder.sample(step, draws))]).toEqual(expected)
  }
})

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

test.each(['gpt2', 'llama'] as const)('a copied slot of %s goes on as its source', async (name) => {
  await using model = await Model.load(fixtureModel(name))
  const decoder = model.decoder({ slots: 4, capacity: 8 })
  const [first, second] = texts as [number[], number[]]
  await decoder.step({ inputIds: [first, second, [9, 9, 9, 9, 9, 9, 9]], slots: [1, 2, 3], lengths: [0, 0, 0] })
  // Not awaited: it takes its turn before the step. Slot 3 holds something else, slot 0 nothing.
  void decoder.copySlots({ sources: [1, 2], destinations: [3, 0], lengths: [first.length, second.length] })
  const going = await decoder.step({
    inputIds: [[4], [4], [4], [4]],
    slots: [1, 2, 3, 0],
    lengths: [first.length, second.length, first.length, second.length],
  })
  const width = model.definition.vocabularySize
  const row = (s: number): Float32Array => going.data.subarray(s * width, (s + 1) * width)
  expect(row(2)).toEqual(row(0))
  expect(row(3)).toEqual(row(1))
  expect(row(0)).not.toEqual(row(1))
  const { logits } = await model.forward({ inputIds: [[...first, 4]] })
  expect(distance(logits, first.length, going, 2, width)).toBeLessThan(1e-4)

  // Fewer rows than held: what stands behind them stays.
  await decoder.copySlots({ sources: [1], destinations: [2], lengths: [1] })
  const mixed = await decoder.step({ inputIds: [[4]], slots: [2], lengths: [1] })
  const short = await model.forward({ inputIds: [[first[0]!, 4]] })
  expect(distance(short.logits, 1, mixed, 0, width)).toBeLessThan(1e-4)
  await decoder.copySlots({ sources: [], destinations: [], lengths: [] })
  decoder.dispose()
  await expect(decoder.copySlots({ sources: [0], destinations: [1], lengths: [1] })).rejects.toMatchObject({
    code: 'disposed',
  })
})

test('copies of slots that do not fit are refused', async () => {
  await using model = await Model.fromConfig(tinyLlama)
  const decoder = model.decoder({ slots: 3, capacity: 4 })
  const copy = (sources: number[], destinations: number[], lengths: number[]) =>
    decoder.copySlots({ sources, destinations, lengths })
  const refused = (where: string): object => ({ code: 'invalid-batch', where })
  await expect(copy([0], [3], [1])).rejects.toMatchObject(refused('destinations'))
  await expect(copy([-1], [1], [1])).rejects.toMatchObject(refused('sources'))
  await expect(copy([0, 2], [1, 1], [1, 1])).rejects.toMatchObject(refused('destinations'))
  await expect(copy([0, 1], [1, 2], [1, 1])).rejects.toMatchObject(refused('destinations'))
  await expect(copy([0], [1], [])).rejects.toMatchObject(refused('lengths'))
  await expect(copy([0], [1], [-1])).rejects.toMatchObject(refused('lengths'))
  // Longer than a slot: all of it.
  await copy([0], [1], [100])
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
