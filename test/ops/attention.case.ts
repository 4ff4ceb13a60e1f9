import { float, integers, type OpCases } from './op-case.js'

interface Attention {
  /** Lengths of the segments. */
  segments: readonly number[]
  heads: number
  kvHeads?: number
  headDim: number
  packing?: 'qkv' | 'interleaved'
  attributes?: Readonly<Record<string, number | boolean>>
}

function attention(name: string, { segments, heads, kvHeads = heads, headDim, packing, attributes = {} }: Attention) {
  const starts = [0]
  for (const length of segments) starts.push(starts.at(-1)! + length)
  const tokens = starts.at(-1)!
  const side = (count: number) => float([tokens, count * headDim])
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
    inputs:
      packing !== undefined
        ? [side(heads + 2 * kvHeads), null, null, integers(starts)]
        : [side(heads), side(kvHeads), side(kvHeads), integers(starts)],
  }
}

export default {
  op: 'attention',
  cases: [
    attention('no segments', { segments: [], heads: 1, headDim: 8 }),
    attention('an empty segment', { segments: [0, 3, 0], heads: 1, headDim: 8 }),
    attention('one token', { segments: [1], heads: 2, headDim: 4 }),
    attention('causal', { segments: [17], heads: 2, headDim: 16 }),
    attention('causal segments', { segments: [5, 1, 9], heads: 2, headDim: 8 }),
    attention('bidirectional', { segments: [11, 4], heads: 2, headDim: 8, attributes: { causal: false } }),
    attention('grouped heads', { segments: [13], heads: 6, kvHeads: 2, headDim: 8 }),
    attention('one key head', { segments: [7, 3], heads: 3, kvHeads: 1, headDim: 16 }),
    attention('odd head', { segments: [9], heads: 1, headDim: 17 }),
    attention('head 33', { segments: [6], heads: 1, headDim: 33 }),
    attention('head 64', { segments: [19], heads: 1, headDim: 64 }),
    attention('head 128', { segments: [5], heads: 1, headDim: 128 }),
    attention('window', { segments: [24, 3], heads: 1, headDim: 8, attributes: { window: 5 } }),
    attention('window of one', { segments: [6], heads: 1, headDim: 8, attributes: { window: 1 } }),
    attention('window both ways', { segments: [21], heads: 1, headDim: 8, attributes: { window: 4, causal: false } }),
    attention('softcap', { segments: [12], heads: 2, headDim: 16, attributes: { softcap: 1.5 } }),
    attention('softcap and window', { segments: [18], heads: 1, headDim: 8, attributes: { softcap: 2, window: 7 } }),
    attention('scale', { segments: [10], heads: 2, headDim: 12, attributes: { scale: 0.7 } }),
    attention('packed', { segments: [8, 1, 5], heads: 2, headDim: 8, packing: 'qkv' }),
    attention('packed groups', { segments: [11], heads: 4, kvHeads: 2, headDim: 8, packing: 'qkv' }),
    attention('interleaved', { segments: [8, 0, 5], heads: 3, headDim: 8, packing: 'interleaved' }),
    attention('interleaved, odd head', { segments: [70, 3], heads: 2, headDim: 9, packing: 'interleaved' }),
    attention('dropout', { segments: [9, 6], heads: 2, headDim: 8, attributes: { dropout: 0.25, stream: 5 } }),
    attention('dropout, packed, bidirectional', {
      segments: [14],
      heads: 2,
      kvHeads: 1,
      headDim: 8,
      packing: 'qkv',
      attributes: { dropout: 0.5, causal: false },
    }),
    attention('dropout and window', { segments: [37], heads: 1, headDim: 8, attributes: { dropout: 0.1, window: 9 } }),
    // Longer than a tile of keys, and of queries.
    attention('long', { segments: [131, 70], heads: 1, headDim: 16 }),
    attention('long bidirectional', { segments: [137], heads: 1, headDim: 8, attributes: { causal: false } }),
    attention('long window', { segments: [150], heads: 1, headDim: 8, attributes: { window: 67 } }),
  ],
} satisfies OpCases
