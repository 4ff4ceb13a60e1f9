import { expect, test } from 'vitest'
import { inverseFrequencies, ropeOf } from '../../lib/nn/rope.js'
import { refusal } from '../refusal.js'

test('plain frequencies are theta^(-2i/d), in float32', () => {
  expect(inverseFrequencies({ rope_theta: 10000 }, 8, 64)).toEqual([1, 0.1, 0.01, 0.001].map(Math.fround))
  expect(inverseFrequencies({}, 8, 64)).toEqual(inverseFrequencies({ rope_theta: 10000 }, 8, 64))
})

test('both shapes of a configuration say the same', () => {
  const scaling = { factor: 4, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 }
  const older = { rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...scaling } }
  const newer = { rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...scaling } }
  expect(inverseFrequencies(older, 16, 128)).toEqual(inverseFrequencies(newer, 16, 128))
})

test('linear scaling divides by the factor', () => {
  const plain = inverseFrequencies({}, 8, 64)
  expect(inverseFrequencies({ rope_scaling: { type: 'linear', factor: 2 } }, 8, 64)).toEqual(plain.map((f) => f / 2))
})

test('llama3 keeps short waves, stretches long ones and blends between', () => {
  // Waves of these frequencies are 6.3, 63, 628 and 6283 tokens long; the borders are 50 and 200 tokens.
  const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 200 }
  const plain = inverseFrequencies({}, 8, 64)
  const [a, b, c, d] = inverseFrequencies({ rope_scaling: { rope_type: 'llama3', ...scaling } }, 8, 64)
  expect(a).toBe(plain[0])
  expect(c).toBe(Math.fround(plain[2]! / 8))
  expect(d).toBe(Math.fround(plain[3]! / 8))
  const smooth = (200 / (2 * Math.PI * 10) - 1) / 3
  expect(b).toBeCloseTo(((1 - smooth) * 0.1) / 8 + smooth * 0.1, 7)
})

test('part of the head may stay unturned', () => {
  expect(inverseFrequencies({ partial_rotary_factor: 0.5 }, 8, 64)).toHaveLength(2)
})

test('yarn keeps fast pairs, stretches slow ones and raises the scores', () => {
  const scaling = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 4096 }
  const plain = inverseFrequencies({}, 16, 64)
  const { inverseFrequencies: turned, attentionScaling } = ropeOf({ rope_scaling: scaling }, 16, 16384)
  expect(turned[0]).toBe(plain[0])
  expect(turned[7]).toBeCloseTo(plain[7]! / 4, 8)
  expect(attentionScaling).toBeCloseTo(0.1 * Math.log(4) + 1, 12)
  expect(ropeOf({ rope_scaling: { ...scaling, attention_factor: 1 } }, 16, 16384).attentionScaling).toBe(1)
  expect(ropeOf({ rope_scaling: { ...scaling, mscale: 1, mscale_all_dim: 1 } }, 16, 16384).attentionScaling).toBe(1)
})

test('longrope takes the short factors and no longer texts than they are for', () => {
  const short_factor = [1, 2, 3, 4]
  const rope = ropeOf(
    {
      rope_scaling: { type: 'longrope', short_factor, long_factor: [9, 9, 9, 9] },
      original_max_position_embeddings: 256,
    },
    8,
    1024,
  )
  const plain = inverseFrequencies({}, 8, 64)
  rope.inverseFrequencies.forEach((value, i) => expect(value).toBeCloseTo(plain[i]! / short_factor[i]!, 7))
  expect(rope.attentionScaling).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(256)), 12)
  expect(rope.maxPositions).toBe(256)
})

test('a family that takes frequencies alone refuses ropes with more', () => {
  const scaling = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 }
  expect(refusal(() => inverseFrequencies({ rope_parameters: scaling }, 8, 256))).toMatchObject({
    code: 'invalid-config',
    where: 'config.json.rope_parameters.rope_type',
  })
})

test('a rope type that is not known is refused by name', () => {
  expect(refusal(() => ropeOf({ rope_scaling: { rope_type: 'proportional' } }, 8, 64))).toMatchObject({
    code: 'invalid-config',
    message: expect.stringMatching(/"proportional"/) as string,
    where: 'config.json.rope_scaling.rope_type',
  })
})
