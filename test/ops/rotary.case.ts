import { ascending, float, integers, type OpCases } from './op-case.js'

interface Rotary {
  tokens: readonly number[]
  heads: number
  headDim: number
  /** Rotated features of each head. */
  rotated?: number
  scaling?: number
  inverse?: boolean
  pattern?: { rotated: number; period: number }
}

function rotary(
  name: string,
  { tokens, heads, headDim, rotated = headDim, scaling = 1, inverse = false, pattern }: Rotary,
) {
  return {
    name,
    attributes: {
      head_dim: headDim,
      inverse_frequencies: ascending(rotated / 2).map((index) => Math.fround(10000 ** ((-2 * index) / rotated))),
      attention_scaling: scaling,
      inverse,
      ...pattern,
    },
    inputs: [float([tokens.length, heads * headDim]), integers(tokens)],
  }
}

export default {
  op: 'rotary',
  cases: [
    rotary('no tokens', { tokens: [], heads: 1, headDim: 4 }),
    rotary('one token', { tokens: [1], heads: 1, headDim: 2 }),
    rotary('two segments', { tokens: [0, 1, 2, 3, 4, 0, 1, 2], heads: 3, headDim: 16 }),
    rotary('odd halves', { tokens: ascending(11), heads: 5, headDim: 34 }),
    rotary('part of the head', { tokens: ascending(7), heads: 2, headDim: 20, rotated: 8 }),
    rotary('far positions', { tokens: [131071, 8191, 5, 40000], heads: 1, headDim: 64 }),
    rotary('scaled', { tokens: ascending(5), heads: 1, headDim: 16, scaling: 1.25 }),
    rotary('packed query and key, not value', {
      tokens: ascending(9),
      heads: 8,
      headDim: 10,
      pattern: { rotated: 6, period: 8 },
    }),
    rotary('interleaved, part of the head', {
      tokens: ascending(13),
      heads: 9,
      headDim: 18,
      rotated: 6,
      pattern: { rotated: 2, period: 3 },
    }),
    rotary('no head of two', { tokens: ascending(3), heads: 4, headDim: 4, pattern: { rotated: 0, period: 2 } }),
    rotary('inverse', { tokens: ascending(37), heads: 2, headDim: 8, inverse: true }),
  ],
} satisfies OpCases
