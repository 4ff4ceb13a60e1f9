import { float, integers, type OpCases } from './op-case.js'

interface Decoding {
  /** New tokens, slot, rows already in it and, for cross attention, new keys, for each sequence. */
  sequences: readonly {
    readonly tokens: number
    readonly slot: number
    readonly length: number
    readonly keys?: number
  }[]
  /** Rows of the bias table. */
  buckets?: number
  slots: number
  capacity: number
  heads: number
  kvHeads?: number
  headDim: number
  packing?: 'qkv' | 'interleaved'
  attributes?: Readonly<Record<string, number | boolean>>
}

function startsOf(lengths: readonly number[]): number[] {
  const starts = [0]
  for (const length of lengths) starts.push(starts.at(-1)! + length)
  return starts
}

function decoding(name: string, options: Decoding) {
  const { sequences, slots, capacity, heads, kvHeads = heads, headDim, packing, attributes = {}, buckets } = options
  const cross = sequences.some(({ keys }) => keys !== undefined)
  const starts = startsOf(sequences.map(({ tokens }) => tokens))
  const keyStarts = startsOf(sequences.map(({ tokens, keys }) => (cross ? (keys ?? 0) : tokens)))
  const side = (count: number, rows = starts.at(-1)!) => float([rows, count * headDim])
  const keys = () => side(kvHeads, keyStarts.at(-1))
  const cache = float([slots, capacity, kvHeads * headDim])
  const qkv = packing !== undefined ? [side(heads + 2 * kvHeads), null, null] : [side(heads), keys(), keys()]
  const shape = {
    heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    scale: headDim ** -0.5,
    ...(packing !== undefined && { packing }),
    ...(cross && { causal: false }),
  }
  return {
    name,
    attributes: { ...shape, ...attributes },
    inputs: [
      ...qkv,
      cache,
      cache,
      integers(starts),
      integers(sequences.map(({ slot }) => slot)),
      integers(sequences.map(({ length }) => length)),
      cross ? integers(keyStarts) : null,
      buckets === undefined ? null : float([buckets, heads]),
    ],
  }
}

const two = [
  { tokens: 1, slot: 2, length: 13 },
  { tokens: 1, slot: 0, length: 0 },
]

export default {
  op: 'cached_attention',
  cases: [
    decoding('no sequences', { sequences: [], slots: 1, capacity: 4, heads: 1, headDim: 8 }),
    decoding('one token each', { sequences: two, slots: 3, capacity: 16, heads: 2, headDim: 8 }),
    decoding('grouped heads', { sequences: two, slots: 3, capacity: 14, heads: 6, kvHeads: 2, headDim: 16 }),
    decoding('head 160', { sequences: two, slots: 3, capacity: 14, heads: 2, kvHeads: 1, headDim: 160 }),
    decoding('packed', { sequences: two, slots: 3, capacity: 14, heads: 4, kvHeads: 2, headDim: 8, packing: 'qkv' }),
    decoding('interleaved', {
      sequences: [...two, { tokens: 6, slot: 1, length: 2 }],
      slots: 3,
      capacity: 14,
      heads: 3,
      headDim: 9,
      packing: 'interleaved',
    }),
    decoding('a prompt', {
      sequences: [{ tokens: 11, slot: 1, length: 0 }],
      slots: 2,
      capacity: 11,
      heads: 2,
      headDim: 17,
    }),
    decoding('a prompt after a prefix', {
      sequences: [
        { tokens: 5, slot: 1, length: 7 },
        { tokens: 1, slot: 0, length: 3 },
      ],
      slots: 2,
      capacity: 13,
      heads: 2,
      kvHeads: 1,
      headDim: 8,
    }),
    decoding('head 128', { sequences: two, slots: 3, capacity: 14, heads: 2, kvHeads: 1, headDim: 128 }),
    decoding('head 250', { sequences: two, slots: 3, capacity: 14, heads: 2, kvHeads: 1, headDim: 250 }),
    decoding('window', { sequences: two, slots: 3, capacity: 16, heads: 1, headDim: 8, attributes: { window: 4 } }),
    decoding('softcap', { sequences: two, slots: 3, capacity: 16, heads: 1, headDim: 8, attributes: { softcap: 1.5 } }),
    decoding('long', {
      sequences: [{ tokens: 3, slot: 0, length: 197 }],
      slots: 1,
      capacity: 256,
      heads: 2,
      headDim: 64,
    }),
    decoding('cross, the first step', {
      sequences: [
        { tokens: 1, slot: 1, length: 0, keys: 7 },
        { tokens: 1, slot: 0, length: 0, keys: 5 },
      ],
      slots: 2,
      capacity: 9,
      heads: 2,
      headDim: 8,
    }),
    decoding('cross, a later step', {
      sequences: [
        { tokens: 1, slot: 2, length: 7, keys: 0 },
        { tokens: 1, slot: 0, length: 5, keys: 0 },
      ],
      slots: 3,
      capacity: 9,
      heads: 4,
      kvHeads: 2,
      headDim: 17,
    }),
    decoding('cross, some with new keys, some with none', {
      sequences: [
        { tokens: 6, slot: 2, length: 0, keys: 3 },
        { tokens: 2, slot: 3, length: 0, keys: 0 },
        { tokens: 70, slot: 0, length: 4, keys: 75 },
        { tokens: 9, slot: 1, length: 0, keys: 0 },
      ],
      slots: 4,
      capacity: 80,
      heads: 2,
      headDim: 8,
      attributes: { softcap: 2 },
    }),
    decoding('bias', {
      sequences: [...two, { tokens: 7, slot: 1, length: 3 }],
      slots: 3,
      capacity: 14,
      heads: 3,
      headDim: 8,
      buckets: 8,
      attributes: { bias_max_distance: 10 },
    }),
    decoding('bias, window, softcap, interleaved', {
      sequences: [
        { tokens: 2, slot: 1, length: 150 },
        { tokens: 70, slot: 0, length: 9 },
      ],
      slots: 2,
      capacity: 152,
      heads: 2,
      headDim: 8,
      packing: 'interleaved',
      buckets: 32,
      attributes: { softcap: 2, window: 100 },
    }),
  ],
} satisfies OpCases
