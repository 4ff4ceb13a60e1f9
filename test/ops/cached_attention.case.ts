import { float, integers, type OpCases } from './op-case.js'

interface Decoding {
  /** New tokens, slot and tokens already in it, for each sequence. */
  sequences: readonly { readonly tokens: number; readonly slot: number; readonly length: number }[]
  slots: number
  capacity: number
  heads: number
  kvHeads?: number
  headDim: number
  packing?: 'qkv' | 'interleaved'
  attributes?: Readonly<Record<string, number | boolean>>
}

function decoding(name: string, options: Decoding) {
  const { sequences, slots, capacity, heads, kvHeads = heads, headDim, packing, attributes = {} } = options
  const starts = [0]
  for (const { tokens } of sequences) starts.push(starts.at(-1)! + tokens)
  const side = (count: number) => float([starts.at(-1)!, count * headDim])
  const cache = float([slots, capacity, kvHeads * headDim])
  const qkv =
    packing !== undefined ? [side(heads + 2 * kvHeads), null, null] : [side(heads), side(kvHeads), side(kvHeads)]
  const shape = {
    heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    scale: headDim ** -0.5,
    ...(packing !== undefined && { packing }),
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
    decoding('window', { sequences: two, slots: 3, capacity: 16, heads: 1, headDim: 8, attributes: { window: 4 } }),
    decoding('softcap', { sequences: two, slots: 3, capacity: 16, heads: 1, headDim: 8, attributes: { softcap: 1.5 } }),
    decoding('long', {
      sequences: [{ tokens: 3, slot: 0, length: 197 }],
      slots: 1,
      capacity: 256,
      heads: 2,
      headDim: 64,
    }),
  ],
} satisfies OpCases
