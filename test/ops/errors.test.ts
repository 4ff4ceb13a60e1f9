/** What the op table refuses, with the node's path, what was expected and what came. */
import { describe, expect, it } from 'vitest'
import { native, type NativeAttributes, type NativeGraph } from '../../lib/native.js'

type Build = (graph: NativeGraph) => unknown

const node =
  (op: string, inputs: (graph: NativeGraph) => number[], attributes: NativeAttributes = {}): Build =>
  (graph) =>
    graph.node(op, 'layers.3.mlp', inputs(graph), attributes)

const x = (graph: NativeGraph) => graph.input('x', ['tokens', 48], 'f32').id
const ids = (graph: NativeGraph) => graph.input('ids', ['tokens'], 'i32').id
const caches = (graph: NativeGraph) => [graph.state('k', [2, 4, 48]).id, graph.state('v', [2, 4, 48]).id]
const w = (graph: NativeGraph, shape: readonly number[]) => graph.parameter(`w${shape.join('x')}`, shape).id

const refusals: readonly (readonly [string, Build, string, RegExp])[] = [
  ['an unknown op', node('atention', () => []), 'unknown-op', /Did you mean attention\?/],
  ['a missing input', node('linear', (g) => [x(g)]), 'missing-input', /layers\.3\.mlp.*input w/],
  [
    'a weight that does not fit',
    node('linear', (g) => [x(g), w(g, [10, 47])]),
    'shape-mismatch',
    /layers\.3\.mlp.*\[tokens, 48\].*\[10, 47\]/,
  ],
  [
    'a weight the other way round',
    node('linear', (g) => [x(g), w(g, [10, 48])], { layout: 'in_out' }),
    'shape-mismatch',
    /rows of w/,
  ],
  [
    'a bias of another length',
    node('linear', (g) => [x(g), w(g, [10, 48]), w(g, [9])]),
    'shape-mismatch',
    /bias.*\[9\]/,
  ],
  ['half of a low-rank product', node('linear', (g) => [x(g), w(g, [10, 48]), -1, x(g)]), 'missing-input', /input b/],
  [
    'ids that are no integers',
    node('embedding', (g) => [w(g, [7, 4]), x(g)], { vocabulary: 7 }),
    'shape-mismatch',
    /ids.*1 dimension.*\[tokens, 48\]/,
  ],
  [
    'floats where integers belong',
    node('activation', (g) => [ids(g)], { kind: 'silu' }),
    'dtype-mismatch',
    /f32.*i32\[tokens\]/,
  ],
  [
    'a table of another vocabulary',
    node('embedding', (g) => [w(g, [7, 4]), ids(g)], { vocabulary: 8 }),
    'shape-mismatch',
    /size 8.*\[7, 4\]/,
  ],
  [
    'rows of fewer tokens than are named',
    node('embedding', (g) => [w(g, [7, 4]), ids(g), w(g, [1, 4])], { vocabulary: 7, token_ids: [3, 1] }),
    'shape-mismatch',
    /size 2.*token_rows.*\[1, 4\]/,
  ],
  [
    'tokens without their rows',
    node('embedding', (g) => [w(g, [7, 4]), ids(g)], { vocabulary: 7, token_ids: [3] }),
    'missing-input',
    /token_rows/,
  ],
  [
    'rows of no tokens',
    node('embedding', (g) => [w(g, [7, 4]), ids(g), w(g, [1, 4])], { vocabulary: 7 }),
    'missing-input',
    /token_rows is there but token_ids is not/,
  ],
  [
    'the row of a token that is not in the table',
    node('embedding', (g) => [w(g, [7, 4]), ids(g), w(g, [1, 4])], { vocabulary: 7, token_ids: [7] }),
    'invalid-attribute',
    /token_ids below the vocabulary's 7.*received 7/,
  ],
  [
    'a token twice',
    node('replace_columns', (g) => [x(g), x(g)], { token_ids: [3, 3] }),
    'invalid-attribute',
    /token_ids.*distinct/,
  ],
  [
    'ids that are no whole numbers',
    node('replace_columns', (g) => [x(g), x(g)], { token_ids: [0.5] }),
    'invalid-attribute',
    /token_ids.*list of integers/,
  ],
  [
    'an unknown attribute',
    node('layer_norm', (g) => [x(g), w(g, [48])], { epsilon: 1 }),
    'invalid-attribute',
    /epsilon.*Did you mean eps\?/,
  ],
  [
    'an attribute of another type',
    node('rms_norm', (g) => [x(g), w(g, [48])], { eps: 'small' }),
    'invalid-attribute',
    /eps.*finite number.*'small'/,
  ],
  [
    'an unknown kind',
    node('activation', (g) => [x(g)], { kind: 'gelux' }),
    'invalid-attribute',
    /gelu, gelu_new.*'gelux'/,
  ],
  ['a probability of 1', node('dropout', (g) => [x(g)], { p: 1 }), 'invalid-attribute', /below 1.*received 1/],
  [
    'heads that do not divide',
    node('attention', (g) => [x(g), x(g), x(g), ids(g)], { heads: 6, kv_heads: 4, head_dim: 8 }),
    'invalid-attribute',
    /divisor of heads \(6\).*received 4/,
  ],
  [
    'cross attention that is causal',
    node('attention', (g) => [x(g), x(g), x(g), ids(g), ids(g)], { heads: 6, head_dim: 8 }),
    'invalid-attribute',
    /kv_cu_seqlens.*causal false/,
  ],
  [
    'a cache that is not causal',
    node('cached_attention', (g) => [x(g), x(g), x(g), ...caches(g)], { heads: 6, head_dim: 8, causal: false }),
    'invalid-attribute',
    /causal true/,
  ],
  [
    'a bias table of too few buckets',
    node('attention', (g) => [x(g), x(g), x(g), ids(g), -1, w(g, [3, 6])], { heads: 6, head_dim: 8, causal: false }),
    'shape-mismatch',
    /bias_table.*at least 4 rows.*\[3, 6\]/,
  ],
  [
    'a bias table of other heads',
    node('attention', (g) => [x(g), x(g), x(g), ids(g), -1, w(g, [32, 5])], { heads: 6, head_dim: 8 }),
    'shape-mismatch',
    /size 6.*bias_table.*\[32, 5\]/,
  ],
  [
    'grouped heads that are interleaved',
    node('attention', (g) => [x(g), -1, -1, ids(g)], { heads: 4, kv_heads: 2, head_dim: 6, packing: 'interleaved' }),
    'invalid-attribute',
    /kv_heads.*alternate/,
  ],
  [
    'more rotated heads than there are',
    node('rotary', (g) => [x(g), ids(g)], { head_dim: 4, inverse_frequencies: [1], rotated: 4, period: 3 }),
    'invalid-attribute',
    /rotated.*3 heads.*received 4/,
  ],
  [
    'more frequencies than half a head',
    node('rotary', (g) => [x(g), ids(g)], { head_dim: 4, inverse_frequencies: [1, 0.1, 0.01] }),
    'invalid-attribute',
    /half of head_dim \(4\).*3 numbers/,
  ],
  [
    'targets in the dtype of labels',
    node('binary_cross_entropy', (g) => [x(g), ids(g), ids(g)]),
    'dtype-mismatch',
    /targets.*f32.*i32/,
  ],
  [
    'a weight too few',
    node('cross_entropy', (g) => [x(g), ids(g), w(g, [1]), w(g, [47])]),
    'shape-mismatch',
    /48.*class_weights.*\[47\]/,
  ],
  [
    'a smoothing of more than all',
    node('cross_entropy', (g) => [x(g), ids(g), w(g, [1])], { label_smoothing: 1.5 }),
    'invalid-attribute',
    /between 0 and 1.*1\.5/,
  ],
  [
    'segments without their last end',
    node('segment_mean', (g) => [x(g), g.input('starts', ['sequences'], 'i32').id]),
    'shape-mismatch',
    /cu_seqlens.*\[sequences\]/,
  ],
  [
    'starts that do not bound the segments',
    node('span_cross_entropy', (g) => [
      g.input('logits', ['tokens', 2], 'f32').id,
      g.input('cu_seqlens', ['sequences'], 'i32').id,
      g.input('spans', ['sequences', 2], 'i32').id,
    ]),
    'shape-mismatch',
    /sequences\+1 on axis 0 of cu_seqlens.*\[sequences\]/,
  ],
  [
    'groups that do not fill a row',
    node('rms_norm', (g) => [x(g), w(g, [7])]),
    'shape-mismatch',
    /\[tokens, 48\].*multiple.*\[7\]/,
  ],
  [
    'halves of an odd number',
    node('gated_activation', (g) => [w(g, [2, 7])], { kind: 'silu' }),
    'shape-mismatch',
    /halves.*\[2, 7\]/,
  ],
  [
    'an unknown order of halves',
    node('gated_activation', (g) => [x(g)], { kind: 'silu', order: 'gate' }),
    'invalid-attribute',
    /gate_up.*'gate'/,
  ],
  [
    'a low-rank product of another rank',
    node('low_rank_weight_norm', (g) => [w(g, [10, 48]), w(g, [4, 48]), w(g, [10, 3])]),
    'shape-mismatch',
    /\[10, 4\].*\[10, 3\]/,
  ],
  [
    'a magnitude too few',
    node('magnitude', (g) => [x(g), w(g, [47]), w(g, [48])]),
    'shape-mismatch',
    /size 48.*of m.*\[47\]/,
  ],
  ['too many inputs', node('dropout', (g) => [x(g), x(g)]), 'missing-input', /at most 1 inputs? but got 2/],
]

describe('the op table refuses', () => {
  it.each(refusals)('%s', (_, build, code, message) => {
    const attempt = () => build(new (native().Graph)('f32'))
    expect(attempt).toThrowError(expect.objectContaining({ name: 'AttuneError', code }) as Error)
    expect(attempt).toThrowError(message)
  })
})
