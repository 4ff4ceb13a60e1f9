import { expect, test } from 'vitest'
import { GraphBuilder } from '../../lib/graph/builder.js'
import * as ops from '../../lib/graph/ops.js'
import { stream } from '../../lib/graph/stream.js'
import { native } from '../../lib/native.js'
import { refusal } from '../refusal.js'

test('the op functions and the core’s table are the same, both ways', () => {
  const known = native()
    .ops()
    .map(({ name }) => name)
  const written = [...Object.keys(ops.opFunctions), ...ops.gradientOps]
  expect([...known].sort()).toEqual([...written].sort())
})

test('what differentiation adds is not itself differentiated', () => {
  const differentiable = native()
    .ops()
    .filter((op) => op.differentiable)
  const names = differentiable.map(({ name }) => name)
  expect(names.filter((name) => (ops.gradientOps as readonly string[]).includes(name))).toEqual([])
  const functions = Object.keys(ops.opFunctions).filter(
    (name) => !['argmax', 'cached_attention', 'low_rank_weight_norm', 'sample'].includes(name),
  )
  expect([...names].sort()).toEqual(functions.sort())
})

function tokens(g: GraphBuilder, name: string, width: number) {
  return g.input(name, ['tokens', width], 'f32')
}

test('every op function makes a node that the core accepts', () => {
  const g = GraphBuilder.create({ dtype: 'f32', mode: 'train' })
  const i32 = (name: string, size: string, below?: number | string) => g.input(name, [size], 'i32', below)
  const x = tokens(g, 'x', 8)
  const weight = g.input('w', [6, 8], 'f32')
  const norm = g.input('norm', [8], 'f32')
  const segments = i32('cu_seqlens', 'sequences+1')
  const shape = { heads: 2, kvHeads: 2, headDim: 4, scale: 0.5, dropout: 0.1, window: 3, softcap: 2 }
  const table = g.input('table', [11, 8], 'f32')
  expect(ops.embedding(g.in('a'), table, i32('ids', 'tokens', 11), { vocabulary: 11, paddingIndex: 2 }).shape).toEqual([
    'tokens',
    8,
  ])
  const lowRank = { u: tokens(g, 'u', 3), b: g.input('b', [6, 3], 'f32') }
  expect(ops.linear(g.in('b'), { x, weight, lowRank }, { lowRankScale: 2 }).shape).toEqual(['tokens', 6])
  expect(ops.layerNorm(g.in('c'), { x, weight: norm, bias: norm }, { eps: 1e-5 }).shape).toEqual(['tokens', 8])
  expect(ops.rmsNorm(g.in('d'), { x, weight: norm }, { eps: 1e-5, weightOffset: 1 }).shape).toEqual(['tokens', 8])
  const rotary = { headDim: 4, inverseFrequencies: [1, 0.5], attentionScaling: 1 }
  expect(ops.rotary(g.in('e'), x, i32('positions', 'tokens'), rotary).shape).toEqual(['tokens', 8])
  expect(ops.attention(g.in('f'), { q: x, k: x, v: x }, segments, shape).shape).toEqual(['tokens', 8])
  expect(ops.attention(g.in('g'), { packed: tokens(g, 'qkv', 24) }, segments, shape).shape).toEqual(['tokens', 8])
  const cache = {
    keys: g.in('h').state('keys', [5, 7, 8]),
    values: g.in('h').state('values', [5, 7, 8]),
    segments,
    slots: i32('slots', 'sequences', 5),
    lengths: i32('lengths', 'sequences', 7),
  }
  expect(ops.cachedAttention(g.in('h'), { q: x, k: x, v: x }, cache, shape).shape).toEqual(['tokens', 8])
  const other = { ...shape, window: undefined }
  const keySegments = i32('kv_cu_seqlens', 'sequences+1')
  const k = g.input('k', ['rows', 8], 'f32')
  const relativeBias = { table: g.input('bias', [16, 2], 'f32'), maxDistance: 20, bidirectional: true }
  const cross = { q: x, k, v: k, keySegments }
  expect(ops.attention(g.in('n'), { ...cross, relativeBias }, segments, other).shape).toEqual(['tokens', 8])
  expect(ops.cachedAttention(g.in('o'), cross, cache, other).shape).toEqual(['tokens', 8])
  expect(ops.cachedAttention(g.in('p'), { q: x, k: x, v: x, relativeBias }, cache, shape).shape).toEqual(['tokens', 8])
  const pattern = { rotated: 2, period: 3 }
  const packed = tokens(g, 'qkv', 24)
  expect(ops.rotary(g.in('q'), packed, i32('positions', 'tokens'), { ...rotary, pattern }).shape).toEqual([
    'tokens',
    24,
  ])
  expect(ops.attention(g.in('r'), { packed, packing: 'interleaved' }, segments, shape).shape).toEqual(['tokens', 8])
  for (const kind of ops.activations) expect(ops.activation(g.in(kind), x, kind).shape).toEqual(['tokens', 8])
  expect(ops.gatedActivation(g.in('i'), x, x, 'silu').shape).toEqual(['tokens', 8])
  expect(ops.add(g.in('j'), x, x).shape).toEqual(['tokens', 8])
  expect(ops.dropout(g.in('k'), x, 0.5).id).not.toBe(x.id)
  const hidden = ops.gatherRows(g.in('l'), x, i32('rows', 'rows', 'tokens'))
  expect(hidden.shape).toEqual(['rows', 8])
  const best = ops.argmax(g.in('l'), hidden)
  expect([best.shape, best.dtype]).toEqual([['rows'], 'i32'])
  const f32PerRow = (name: string) => g.input(name, ['rows'], 'f32')
  const drawn = ops.sample(g.in('l'), hidden, {
    temperature: f32PerRow('temperature'),
    topK: i32('top_k', 'rows'),
    topP: f32PerRow('top_p'),
    minP: f32PerRow('min_p'),
    uniform: g.input('uniform', ['rows', 2], 'i32'),
  })
  expect([drawn.shape, drawn.dtype]).toEqual([['rows'], 'i32'])
  const lossScale = g.input('loss_scale', [1], 'f32')
  const labels = i32('labels', 'rows', 11)
  const loss = ops.linearCrossEntropy(g.in('m'), { hidden, weight: table, labels, lossScale }, { labelSmoothing: 0.1 })
  expect([loss.loss.shape, loss.rowLoss.shape, loss.prediction.shape]).toEqual([[1], ['rows'], ['rows']])
  expect(loss.prediction.dtype).toBe('i32')
  expect(ops.scale(g.in('n'), x, 0.5).shape).toEqual(['tokens', 8])
  expect(ops.segmentMean(g.in('o'), x, segments).shape).toEqual(['sequences', 8])
  expect(ops.l2Normalize(g.in('p'), x).shape).toEqual(['tokens', 8])
  expect(ops.embeddingNoise(g.in('q'), x, segments, 5).shape).toEqual(['tokens', 8])
  expect(ops.embeddingNoise(g.in('r'), x, segments, 0)).toBe(x)
  const [a, b] = [g.input('lora_a', [3, 8], 'f32'), g.input('b', [6, 3], 'f32')]
  const length = ops.lowRankWeightNorm(g.in('s'), { weight, a, b }, { scale: 2 })
  expect([length.shape, length.dtype]).toEqual([[6], 'f32'])
  const y = tokens(g, 'y', 6)
  const scaled = ops.magnitude(g.in('t'), { x: y, magnitude: length, norm: length, bias: length, addend: y })
  expect(scaled.shape).toEqual(['tokens', 6])
  const head = g.input('head', [4], 'f32')
  expect(ops.rmsNorm(g.in('p'), { x, weight: head }, { eps: 1e-5 }).shape).toEqual(['tokens', 8])
  expect(ops.gatedActivation(g.in('q'), x, undefined, 'silu', 'gate_up').shape).toEqual(['tokens', 4])
})

test('the losses over given logits make a loss and one per row', () => {
  const g = GraphBuilder.create({ dtype: 'bf16', mode: 'train' })
  const x = ops.activation(g.in('a'), g.parameter('x', [5, 3], 'weight'), 'tanh')
  const f32 = (name: string, shape: readonly (number | string)[]) => g.input(name, shape, 'f32')
  const [targets, lossScale, weights] = [f32('targets', [5, 3]), f32('loss_scale', [1]), f32('weights', [3])]
  const labels = g.input('labels', [5], 'i32', 3)
  const [segments, positions] = [g.input('cu_seqlens', [6], 'i32'), g.input('positions', [5, 2], 'i32')]
  const options = { labelSmoothing: 0.1, focalGamma: 2 }
  const y = ops.l2Normalize(g.in('unit'), g.parameter('y', [3, 3], 'weight'))
  const classes = ops.crossEntropy(g, { logits: x, labels, lossScale, classWeights: weights }, options)
  const losses = [
    classes,
    ops.binaryCrossEntropy(g, { logits: x, targets, lossScale, positiveWeights: weights }, options),
    ops.meanSquaredError(g, { predictions: x, targets, lossScale }),
    ops.contrastiveLoss(g.in('pairs'), { anchors: x, candidates: y, labels, lossScale }, { scale: 20 }),
    ops.spanCrossEntropy(g, { logits: g.parameter('spans', [9, 2], 'weight'), segments, positions, lossScale }),
  ]
  for (const { loss, rowLoss } of losses) {
    expect([loss.shape, rowLoss.shape]).toEqual([[1], [5]])
    expect([loss.dtype, rowLoss.dtype]).toEqual(['f32', 'f32'])
  }
  expect(classes.prediction.shape).toEqual([5])
})

test('a wrong shape is refused on the line that writes it, with the path', () => {
  const g = GraphBuilder.create({ dtype: 'f32', mode: 'evaluate' }).in('model.layers.3').in('mlp')
  const x = tokens(g, 'x', 8)
  expect(refusal(() => ops.linear(g, { x, weight: g.parameter('weight', [6, 9], 'weight') }))).toMatchObject({
    code: 'shape-mismatch',
    where: expect.stringContaining('model.layers.3.mlp') as string,
    message: expect.stringMatching(/8/) as string,
  })
})

test('dropout is a node in training alone', () => {
  for (const mode of ['evaluate', 'decode'] as const) {
    const g = GraphBuilder.create({ dtype: 'f32', mode })
    const x = tokens(g, 'x', 8)
    expect(ops.dropout(g, x, 0.5)).toBe(x)
  }
  const g = GraphBuilder.create({ dtype: 'f32', mode: 'train' })
  const x = tokens(g, 'x', 8)
  expect(ops.dropout(g, x, 0)).toBe(x)
})

test('streams are stable and differ by path', () => {
  expect(stream('')).toBe(0x811c9dc5)
  expect(stream('a')).toBe(0xe40c292c)
  expect(stream('transformer.h.0.attn')).not.toBe(stream('transformer.h.1.attn'))
})
