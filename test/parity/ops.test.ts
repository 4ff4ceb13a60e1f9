/** Single operations against PyTorch's numbers: float64 results in `goldens/ops`, forward and backward. */
import { afterAll, describe, expect, it } from 'vitest'
import { native, type NativeAttributes, type NativeSafetensors, type NativeSession } from '../../lib/native.js'
import { elements } from '../ops/numbers.js'
import { float, float32, integers, scalar, type CaseInput } from '../ops/op-case.js'
import { runCase, type CaseResult } from '../ops/run-case.js'
import { goldenPath, goldensFolder, goldensMissing, readGolden } from '../shared-goldens.js'

interface Tolerance {
  readonly atol: number
}

interface GoldenCase {
  readonly name: string
  readonly key: string
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

interface AttentionCase extends GoldenCase {
  readonly batch: number
  readonly heads: number
  readonly key_heads: number
  readonly queries: number
  readonly keys: number
  readonly head_size: number
  readonly options: {
    readonly causal?: boolean
    readonly window?: number
    readonly both?: number
    readonly softcap?: number
    readonly scale?: number
    readonly lengths?: readonly number[]
    readonly segments?: readonly number[]
    readonly bias?: boolean
  }
}

interface NormCase extends GoldenCase {
  readonly eps: number
}

interface CrossEntropyCase extends GoldenCase {
  readonly targets: readonly number[]
  readonly options: { readonly label_smoothing?: number; readonly softcap?: number }
}

interface BinaryCrossEntropyCase extends GoldenCase {
  readonly targets: readonly (readonly number[])[]
}

interface RopeCase extends GoldenCase {
  readonly head_size: number
  readonly inv_freq: readonly number[]
  readonly attention_scaling: number
  readonly positions: readonly (readonly number[])[]
}

interface Goldens {
  readonly attention: readonly AttentionCase[]
  readonly norms: readonly NormCase[]
  readonly activations: readonly GoldenCase[]
  readonly losses: readonly GoldenCase[]
  readonly rope: readonly RopeCase[]
}

const none: Goldens = { attention: [], norms: [], activations: [], losses: [], rope: [] }
const goldens = goldensFolder === undefined ? none : readGolden<Goldens>('ops', 'cases.json')

let file: NativeSafetensors | undefined
function read(key: string): Float32Array {
  file ??= new (native().Safetensors)(goldenPath('ops', 'expected.safetensors'))
  return file.read(key)
}
function shapeOf(key: string): readonly number[] {
  read(key)
  return file!.tensors.find((tensor) => tensor.name === key)!.shape
}

const sessions = new Map<string, NativeSession>()
function sessionOf(instructionSet: string): NativeSession {
  const session = sessions.get(instructionSet) ?? new (native().Session)({ threads: 2, instructionSet })
  sessions.set(instructionSet, session)
  return session
}
afterAll(() => {
  for (const session of sessions.values()) session.dispose()
  file?.close()
})

interface GoldenRun {
  readonly instructionSet: string
  readonly op: string
  readonly attributes: NativeAttributes
  readonly inputs: readonly { readonly input: CaseInput; readonly values: Float32Array | null }[]
  readonly outputShape: readonly number[]
  /** The gradient that arrives at output 0; without it the op is the root, or forward only. */
  readonly seed?: Float32Array
  readonly loss?: boolean
}

/** One op on given numbers, in float32. */
function runGolden({
  instructionSet,
  op,
  attributes,
  inputs,
  outputShape,
  seed,
  loss,
}: GoldenRun): Promise<CaseResult> {
  const differentiates = seed !== undefined || loss === true
  const gradients = inputs.flatMap(({ input }, index) =>
    differentiates && input?.kind === 'float'
      ? [{ input: index, elements: [], expected: new Float64Array(), directions: [] }]
      : [],
  )
  return runCase(
    sessionOf(instructionSet),
    { op, cases: [], ...(loss === true ? { loss: 'loss' } : {}) },
    {
      definition: { name: 'golden', attributes, inputs: inputs.map(({ input }) => input) },
      values: inputs.map(({ input, values }) =>
        input?.kind === 'integer'
          ? Int32Array.from(input.values)
          : input?.kind === 'float32'
            ? Float32Array.from(input.values)
            : values,
      ),
      outputs: [{ shape: outputShape, data: new Float64Array(elements(outputShape)) }],
      seed: seed ?? new Float32Array(),
      gradients,
    },
    'f32',
  )
}

const tensor = (values: Float32Array, shape: readonly number[]) => ({ input: float(shape), values })
const given = (input: CaseInput) => ({ input, values: null })

function expectWithin(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, { atol }: Tolerance): void {
  expect(actual.length, what).toBe(expected.length)
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!)
    if (difference <= atol) continue
    expect.fail(
      `${what}[${index}] is ${actual[index]}, PyTorch has ${expected[index]}: off by ${difference}, allowed ${atol}`,
    )
  }
}

/** (batch, heads, length, size) to (tokens, heads × size), without the rows past each sequence's length. */
function toTokens(values: Float32Array, shape: readonly number[], lengths: readonly number[]): Float32Array {
  const [, heads, length, size] = shape as [number, number, number, number]
  const out: number[] = []
  lengths.forEach((real, b) => {
    for (let t = 0; t < real; t++) {
      for (let head = 0; head < heads; head++) {
        const start = ((b * heads + head) * length + t) * size
        out.push(...values.subarray(start, start + size))
      }
    }
  })
  return Float32Array.from(out)
}

function startsOf(lengths: readonly number[]): number[] {
  const starts = [0]
  for (const length of lengths) starts.push(starts.at(-1)! + length)
  return starts
}

/** Why a case has no counterpart here; undefined where it has. */
function unsupported({ queries, keys, options }: AttentionCase): string | undefined {
  if (options.bias === true) return 'attention has no relative bias yet'
  if (queries !== keys && queries !== 1) return 'attention has no cross form yet'
  return undefined
}

async function checkAttention(golden: AttentionCase, instructionSet: string): Promise<void> {
  const { key, batch, heads, key_heads: kvHeads, queries, head_size: headDim, options, tolerance } = golden
  const lengths = options.segments ?? options.lengths ?? Array.from({ length: batch }, () => queries)
  const rows = options.segments === undefined ? lengths : [queries]
  const part = (name: string) => toTokens(read(`${key}.${name}`), shapeOf(`${key}.${name}`), rows)
  const tokens = startsOf(lengths).at(-1)!
  const result = await runGolden({
    instructionSet,
    op: 'attention',
    attributes: {
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      scale: options.scale ?? headDim ** -0.5,
      causal: options.causal ?? false,
      // `both` counts the neighbours on each side, `window` the token itself too.
      window: options.window ?? (options.both === undefined ? 0 : options.both + 1),
      softcap: options.softcap ?? 0,
    },
    inputs: [
      tensor(part('q'), [tokens, heads * headDim]),
      tensor(part('k'), [tokens, kvHeads * headDim]),
      tensor(part('v'), [tokens, kvHeads * headDim]),
      given(integers(startsOf(lengths))),
    ],
    outputShape: [tokens, heads * headDim],
    seed: part('dout'),
  })
  expectWithin('out', result.outputs[0]!, part('out'), tolerance['out']!)
  expectWithin('dq', result.gradients.get(0)!, part('dq'), tolerance['dq']!)
  // With lengths, PyTorch's padding queries send gradients to the keys; here there are no such queries.
  if (options.lengths !== undefined) return
  expectWithin('dk', result.gradients.get(1)!, part('dk'), tolerance['dk']!)
  expectWithin('dv', result.gradients.get(2)!, part('dv'), tolerance['dv']!)
}

/** One query after many keys is decoding: all keys but the last lie in the cache. */
async function checkDecoding(golden: AttentionCase, instructionSet: string): Promise<void> {
  const { key, batch, heads, key_heads: kvHeads, keys, head_size: headDim, tolerance } = golden
  const columns = kvHeads * headDim
  const side = (name: string) => {
    const values = toTokens(
      read(`${key}.${name}`),
      shapeOf(`${key}.${name}`),
      Array.from({ length: batch }, () => keys),
    )
    const last = Array.from({ length: batch }, (_, b) => [
      ...values.slice((b * keys + keys - 1) * columns, (b + 1) * keys * columns),
    ])
    return {
      cache: tensor(values, [batch, keys, columns]),
      last: tensor(Float32Array.from(last.flat()), [batch, columns]),
    }
  }
  const [k, v] = [side('k'), side('v')]
  const one = Array.from({ length: batch }, () => 1)
  const perToken = (name: string) => toTokens(read(`${key}.${name}`), shapeOf(`${key}.${name}`), one)
  const result = await runGolden({
    instructionSet,
    op: 'cached_attention',
    attributes: { heads, kv_heads: kvHeads, head_dim: headDim, scale: headDim ** -0.5 },
    inputs: [
      tensor(perToken('q'), [batch, heads * headDim]),
      k.last,
      v.last,
      k.cache,
      v.cache,
      given(integers(startsOf(one))),
      given(integers(one.map((_, b) => b))),
      given(integers(one.map(() => keys - 1))),
    ],
    outputShape: [batch, heads * headDim],
  })
  expectWithin('out', result.outputs[0]!, perToken('out'), tolerance['out']!)
}

async function checkNorm(golden: NormCase, instructionSet: string): Promise<void> {
  const { key, eps, tolerance } = golden
  const layerNorm = golden.name === 'layernorm'
  const shape = shapeOf(`${key}.x`)
  const columns = shape.slice(1)
  const weights = layerNorm ? ['w', 'b'] : ['w']
  const result = await runGolden({
    instructionSet,
    op: layerNorm ? 'layer_norm' : 'rms_norm',
    attributes: layerNorm ? { eps } : { eps, weight_offset: golden.name === 'rmsnorm one plus' ? 1 : 0 },
    inputs: [tensor(read(`${key}.x`), shape), ...weights.map((name) => tensor(read(`${key}.${name}`), columns))],
    outputShape: shape,
    seed: read(`${key}.dout`),
  })
  expectWithin('out', result.outputs[0]!, read(`${key}.out`), tolerance['out']!)
  for (const [index, name] of ['dx', ...weights.map((weight) => `d${weight}`)].entries()) {
    expectWithin(name, result.gradients.get(index)!, read(`${key}.${name}`), tolerance[name]!)
  }
}

async function checkActivation({ key, name, tolerance }: GoldenCase, instructionSet: string): Promise<void> {
  const shape = shapeOf(`${key}.x`)
  const result = await runGolden({
    instructionSet,
    op: 'activation',
    attributes: { kind: name },
    inputs: [tensor(read(`${key}.x`), shape)],
    outputShape: shape,
    seed: read(`${key}.dout`),
  })
  expectWithin('out', result.outputs[0]!, read(`${key}.out`), tolerance['out']!)
  expectWithin('dx', result.gradients.get(0)!, read(`${key}.dx`), tolerance['dx']!)
}

interface LossRun {
  readonly inputs: GoldenRun['inputs']
  readonly attributes?: NativeAttributes
  /** Of PyTorch's gradient of input 0. */
  readonly dx: Float32Array
}

async function checkLoss(instructionSet: string, op: string, golden: GoldenCase, run: LossRun): Promise<void> {
  const { key, tolerance } = golden
  const { inputs, attributes = {}, dx } = run
  const result = await runGolden({ instructionSet, op, attributes, inputs, outputShape: [1], loss: true })
  expectWithin('out', result.outputs[0]!, read(`${key}.out`), tolerance['out']!)
  expectWithin('dx', result.gradients.get(0)!, dx, tolerance['dx']!)
}

/** Given logits, in two ways: rows without a target are never gathered; under a head they are the hidden states. */
async function checkCrossEntropy(golden: CrossEntropyCase, instructionSet: string): Promise<void> {
  const { key, targets, options } = golden
  const [, vocabulary] = shapeOf(`${key}.x`) as [number, number]
  const rows = targets.flatMap((target, row) => (target === -100 ? [] : [row]))
  const rowsOf = (values: Float32Array) =>
    Float32Array.from(rows.flatMap((row) => [...values.subarray(row * vocabulary, (row + 1) * vocabulary)]))
  const logits = tensor(rowsOf(read(`${key}.x`)), [rows.length, vocabulary])
  const labels = [given(integers(rows.map((row) => targets[row]!))), given(scalar(1 / rows.length))]
  const smoothing = { label_smoothing: options.label_smoothing ?? 0 }
  const dx = rowsOf(read(`${key}.dx`))
  const identity = Float32Array.from({ length: vocabulary ** 2 }, (_, index) =>
    index % (vocabulary + 1) === 0 ? 1 : 0,
  )
  await checkLoss(instructionSet, 'linear_cross_entropy', golden, {
    inputs: [logits, tensor(identity, [vocabulary, vocabulary]), ...labels],
    attributes: { ...smoothing, softcap: options.softcap ?? 0 },
    dx,
  })
  // Classifiers have no softcap.
  if (options.softcap !== undefined) return
  for (const weights of [
    [],
    [
      given(
        float32(
          [vocabulary],
          Array.from({ length: vocabulary }, () => 1),
        ),
      ),
    ],
  ]) {
    const inputs = [logits, ...labels, ...weights]
    await checkLoss(instructionSet, 'cross_entropy', golden, { inputs, attributes: smoothing, dx })
  }
}

/** The mean over all elements. */
async function checkBinaryCrossEntropy(golden: BinaryCrossEntropyCase, instructionSet: string): Promise<void> {
  const shape = shapeOf(`${golden.key}.x`)
  const targets = given(float32(shape, golden.targets.flat()))
  await checkLoss(instructionSet, 'binary_cross_entropy', golden, {
    inputs: [tensor(read(`${golden.key}.x`), shape), targets, given(scalar(1 / elements(shape)))],
    dx: read(`${golden.key}.dx`),
  })
}

async function checkMeanSquaredError(golden: GoldenCase, instructionSet: string): Promise<void> {
  const shape = [elements(shapeOf(`${golden.key}.x`)), 1]
  const targets = given(float32(shape, [...read(`${golden.key}.target`)]))
  await checkLoss(instructionSet, 'mean_squared_error', golden, {
    inputs: [tensor(read(`${golden.key}.x`), shape), targets, given(scalar(1 / elements(shape)))],
    dx: read(`${golden.key}.dx`),
  })
}

/**
 * There is no divergence among the ops, but it tells whether class weights are PyTorch's: with p = softmax(target) a row's
 * divergence is its cross-entropy with every class as the label once, weighted by p, less the entropy of p.
 */
async function checkDivergence({ key, tolerance }: GoldenCase, instructionSet: string): Promise<void> {
  const [rows, classes] = shapeOf(`${key}.x`) as [number, number]
  const every = Array.from({ length: classes }, (_, c) => c)
  const dx = new Float32Array(rows * classes)
  let out = 0
  for (let row = 0; row < rows; row++) {
    const rowOf = (name: string) => [...read(`${key}.${name}`).subarray(row * classes, (row + 1) * classes)]
    const exponentials = rowOf('target_logits').map(Math.exp)
    const sum = exponentials.reduce((total, value) => total + value)
    const p = exponentials.map((value) => value / sum)
    const result = await runGolden({
      instructionSet,
      op: 'cross_entropy',
      attributes: {},
      inputs: [
        tensor(Float32Array.from(every.flatMap(() => rowOf('x'))), [classes, classes]),
        given(integers(every)),
        given(scalar(1 / rows)),
        given(float32([classes], p)),
      ],
      outputShape: [1],
      loss: true,
    })
    out += result.outputs[0]![0]! + p.reduce((total, value) => total + value * Math.log(value), 0) / rows
    result.gradients.get(0)!.forEach((value, index) => (dx[row * classes + (index % classes)]! += value))
  }
  expectWithin('out', [out], read(`${key}.out`), tolerance['out']!)
  expectWithin('dx', dx, read(`${key}.dx`), tolerance['dx']!)
}

function checkLossCase(golden: GoldenCase, instructionSet: string): Promise<void> {
  if (golden.name === 'cross_entropy') return checkCrossEntropy(golden as CrossEntropyCase, instructionSet)
  if (golden.name === 'mse') return checkMeanSquaredError(golden, instructionSet)
  if (golden.name.startsWith('kl divergence')) return checkDivergence(golden, instructionSet)
  expect(golden.name).toBe('binary_cross_entropy_with_logits')
  return checkBinaryCrossEntropy(golden as BinaryCrossEntropyCase, instructionSet)
}

async function checkRope(golden: RopeCase, instructionSet: string): Promise<void> {
  const { key, head_size: headDim, tolerance } = golden
  const shape = shapeOf(`${key}.x`)
  const [, heads, tokens] = shape as [number, number, number]
  const result = await runGolden({
    instructionSet,
    op: 'rotary',
    attributes: {
      head_dim: headDim,
      inverse_frequencies: golden.inv_freq,
      attention_scaling: golden.attention_scaling,
    },
    inputs: [
      tensor(toTokens(read(`${key}.x`), shape, [tokens]), [tokens, heads * headDim]),
      given(integers(golden.positions[0]!)),
    ],
    outputShape: [tokens, heads * headDim],
  })
  expectWithin('out', result.outputs[0]!, toTokens(read(`${key}.out`), shape, [tokens]), tolerance['out']!)
}

const instructionSets = native().processor().instructionSets

describe.skipIf(goldensFolder === undefined)(`operations against PyTorch ${goldensMissing}`, () => {
  describe.each(instructionSets)('%s', (instructionSet) => {
    for (const golden of goldens.attention) {
      const reason = unsupported(golden)
      const check = golden.queries === 1 ? checkDecoding : checkAttention
      it.skipIf(reason !== undefined)(`attention ${golden.name}${reason === undefined ? '' : `: ${reason}`}`, () =>
        check(golden, instructionSet),
      )
    }
    for (const golden of goldens.norms) it(`${golden.name} ${golden.key}`, () => checkNorm(golden, instructionSet))
    for (const golden of goldens.activations) it(golden.name, () => checkActivation(golden, instructionSet))
    for (const golden of goldens.losses) it(golden.key, () => checkLossCase(golden, instructionSet))
    // dynamic and longrope hold only frequencies, which are no business of the op.
    for (const golden of goldens.rope.filter((rope) => !['dynamic', 'longrope'].includes(rope.name))) {
      it(`rope ${golden.name}`, () => checkRope(golden, instructionSet))
    }
  })
})
