import { expect, test } from 'vitest'
import { inverseFrequencies } from '../../lib/nn/rope.js'

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
