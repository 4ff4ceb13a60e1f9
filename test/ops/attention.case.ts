import { ascending, float, integers, type OpCases } from './op-case.js'

interface Attention {
  /** Lengths of the segments. */
  segments: readonly number[]
  heads: number
  kvHeads?: number
  headDim: number
  packing?: 'qkv' | 'interleaved'
  attributes?: Readonly<Record<string, number | boolean>>
  /** Lengths of the segments of keys, where they have their own. */
  keySegments?: readonly number[]
  /** Rows of the bias table. */
  buckets?: number
  /** Standard deviation of the bias table. */
  biasStd?: number
  /** Rows of the batch that are queries. @default all */
  queryRows?: readonly number[]
}

function startsOf(segments: readonly number[]): number[] {
  const starts = [0]
  for (const length of segments) starts.push(starts.at(-1)! + length)
  return starts
}

function attention(
  name: string,
  {
    segments,
    heads,
    kvHeads = heads,
    headDim,
    packing,
    attributes = {},
    keySegments,
    buckets,
    biasStd,
    queryRows,
  }: Attention,
) {
  const starts = startsOf(segments)
  const keyStarts = keySegments === undefined ? starts : startsOf(keySegments)
  const side = (count: number, rows = starts.at(-1)!) => float([rows, count * headDim])
  const keys = () => side(kvHeads, keyStarts.at(-1))
  const shape = {
    heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    scale: headDim ** -0.5,
    ...(packing !== undefined && { packing }),
    ...(keySegments !== undefined && { causal: false }),
  }
  return {
    name,
    attributes: { ...shape, ...attributes },
    inputs: [
      ...(packing !== undefined
        ? [side(heads + 2 * kvHeads), null, null]
        : [side(heads, queryRows?.length), keys(), keys()]),
      integers(starts),
      keySegments === undefined ? null : integers(keyStarts),
      buckets === undefined ? null : float([buckets, heads], biasStd === undefined ? {} : { std: biasStd }),
      ...(queryRows === undefined ? [] : [integers(queryRows)]),
    ],
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
    attention('head 160, groups', { segments: [9, 2], heads: 2, kvHeads: 1, headDim: 160 }),
    attention('head 256, softcap and window', {
      segments: [7],
      heads: 1,
      headDim: 256,
      attributes: { softcap: 2, window: 4 },
    }),
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
    attention('cross, one query', { segments: [1], keySegments: [1], heads: 1, headDim: 8 }),
    attention('cross', { segments: [5, 2], keySegments: [11, 4], heads: 2, headDim: 8 }),
    attention('cross, no segments', { segments: [], keySegments: [], heads: 1, headDim: 8 }),
    attention('cross, segments without keys or queries', {
      segments: [3, 0, 4, 2],
      keySegments: [0, 5, 7, 0],
      heads: 2,
      headDim: 8,
    }),
    attention('cross, no keys at all', { segments: [3, 1], keySegments: [0, 0], heads: 2, headDim: 8 }),
    attention('cross, groups, odd head', { segments: [9, 1], keySegments: [6, 13], heads: 6, kvHeads: 2, headDim: 17 }),
    attention('cross, long', { segments: [70, 3], keySegments: [131, 66], heads: 2, headDim: 8 }),
    attention('cross, many segments', {
      segments: [2, 5, 1, 7, 3, 4, 2, 6],
      keySegments: [7, 1, 9, 2, 5, 8, 3, 4],
      heads: 4,
      kvHeads: 2,
      headDim: 8,
      attributes: { dropout: 0.25, stream: 3 },
    }),
    attention('cross, softcap and bias', {
      segments: [9, 4],
      keySegments: [17, 3],
      heads: 2,
      headDim: 8,
      buckets: 8,
      attributes: { softcap: 2, bias_max_distance: 12 },
    }),
    attention('bias, no tokens', { segments: [], heads: 2, headDim: 8, buckets: 8 }),
    attention('bias, one token', { segments: [1], heads: 3, headDim: 8, buckets: 8 }),
    attention('bias, causal', { segments: [29, 1, 8], heads: 2, headDim: 8, buckets: 8, attributes: { scale: 1 } }),
    attention('bias, both ways', {
      segments: [13, 0, 31],
      heads: 3,
      headDim: 8,
      buckets: 32,
      attributes: { causal: false, bias_max_distance: 20 },
    }),
    attention('bias, large', {
      segments: [19],
      heads: 2,
      headDim: 8,
      buckets: 12,
      biasStd: 12,
      attributes: { causal: false, bias_max_distance: 16 },
    }),
    attention('bias, causal, buckets both ways', {
      segments: [23],
      heads: 2,
      headDim: 9,
      buckets: 7,
      attributes: { bias_bidirectional: true, bias_max_distance: 9 },
    }),
    attention('bias, groups, window, softcap, dropout', {
      segments: [41, 6],
      heads: 4,
      kvHeads: 2,
      headDim: 8,
      buckets: 16,
      attributes: { window: 21, softcap: 2, dropout: 0.2, stream: 9, bias_max_distance: 30 },
    }),
    attention('bias, packed', { segments: [12, 5], heads: 2, headDim: 8, packing: 'qkv', buckets: 8 }),
    // Beyond a tile, and beyond the distance where buckets end.
    attention('bias, long', { segments: [131, 70], heads: 2, headDim: 8, buckets: 32, attributes: { causal: false } }),
    attention('bias, many segments', {
      segments: [5, 9, 2, 70, 1, 8, 3, 4],
      heads: 2,
      headDim: 8,
      buckets: 6,
      attributes: { bias_max_distance: 5 },
    }),
    attention('rows, none', { segments: [5, 3], heads: 1, headDim: 8, queryRows: [] }),
    attention('rows, no segments', { segments: [], heads: 1, headDim: 8, queryRows: [] }),
    attention('rows, all', { segments: [4, 1, 3], heads: 2, headDim: 8, queryRows: ascending(8) }),
    attention('rows, the first of each segment, both ways', {
      segments: [6, 0, 11, 2],
      heads: 2,
      headDim: 8,
      queryRows: [0, 6, 17],
      attributes: { causal: false },
    }),
    attention('rows, the last of each segment', { segments: [6, 1, 11], heads: 3, headDim: 9, queryRows: [5, 6, 17] }),
    attention('rows here and there, groups', {
      segments: [23, 4, 15, 0],
      heads: 4,
      kvHeads: 2,
      headDim: 8,
      queryRows: [3, 4, 9, 20, 22, 27, 28, 33, 41],
    }),
    attention('rows, window', {
      segments: [40, 9],
      heads: 1,
      headDim: 16,
      queryRows: [0, 1, 7, 8, 19, 33, 39, 41, 48],
      attributes: { window: 6 },
    }),
    attention('rows, window both ways, softcap', {
      segments: [31, 12],
      heads: 2,
      headDim: 8,
      queryRows: [2, 9, 10, 30, 31, 42],
      attributes: { window: 5, causal: false, softcap: 1.5 },
    }),
    attention('rows, dropout', {
      segments: [17, 8],
      heads: 2,
      headDim: 8,
      queryRows: [1, 2, 3, 16, 24],
      attributes: { dropout: 0.3, stream: 7 },
    }),
    attention('rows, head 128', { segments: [9, 7], heads: 1, headDim: 128, queryRows: [2, 6, 8, 12, 15] }),
    attention('rows, head 160', { segments: [12], heads: 2, kvHeads: 1, headDim: 160, queryRows: [5, 11] }),
    // Beyond a tile of queries, and of keys.
    attention('rows, long', {
      segments: [261, 3, 150],
      heads: 1,
      headDim: 8,
      queryRows: ascending(414).filter((row) => row % 3 === 1 && (row < 90 || row > 140)),
    }),
    attention('rows, long, window', {
      segments: [300, 70],
      heads: 2,
      kvHeads: 1,
      headDim: 16,
      queryRows: ascending(370).filter((row) => row % 7 < 2),
      attributes: { window: 67 },
    }),
    attention('rows, the end of each segment', {
      segments: [150, 80],
      heads: 1,
      headDim: 8,
      queryRows: ascending(230).filter((row) => (row > 60 && row < 150) || row > 200),
    }),
    attention('rows, many segments', {
      segments: [5, 9, 2, 70, 1, 8, 3, 4],
      heads: 2,
      headDim: 8,
      queryRows: ascending(102).filter((row) => row % 5 !== 2),
    }),
  ],
} satisfies OpCases
