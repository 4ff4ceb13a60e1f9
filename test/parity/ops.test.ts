/** Norms, activations and losses against PyTorch's numbers: float64 results in `goldens/ops`, forward and backward. */
import { describe, expect, it } from 'vitest'
import type { NativeAttributes } from '../../lib/native.js'
import { elements } from '../ops/numbers.js'
import { float32, integers, scalar } from '../ops/op-case.js'
import { goldensFolder, goldensMissing, readGolden } from '../shared-goldens.js'
import {
  expectWithin,
  given,
  read,
  runGolden,
  shapeOf,
  targets,
  tensor,
  type GoldenCase,
  type GoldenRun,
} from './golden-op.js'

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

interface Goldens {
  readonly norms: readonly NormCase[]
  readonly activations: readonly GoldenCase[]
  readonly losses: readonly GoldenCase[]
}

const none: Goldens = { norms: [], activations: [], losses: [] }
const goldens = goldensFolder === undefined ? none : readGolden<Goldens>('ops', 'cases.json')

async function checkNorm(golden: NormCase, target: string): Promise<void> {
  const { key, eps, tolerance } = golden
  const layerNorm = golden.name === 'layernorm'
  const shape = shapeOf(`${key}.x`)
  const columns = shape.slice(1)
  const weights = layerNorm ? ['w', 'b'] : ['w']
  const result = await runGolden({
    target,
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

async function checkActivation({ key, name, tolerance }: GoldenCase, target: string): Promise<void> {
  const shape = shapeOf(`${key}.x`)
  const result = await runGolden({
    target,
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
  /** What rounding of the op's own adds to the golden's tolerance. @default 0 */
  readonly rounding?: number
}

async function checkLoss(target: string, op: string, golden: GoldenCase, run: LossRun): Promise<void> {
  const { key, tolerance } = golden
  const { inputs, attributes = {}, dx, rounding = 0 } = run
  const result = await runGolden({ target, op, attributes, inputs, outputShape: [1], loss: true })
  const within = (name: 'out' | 'dx') => ({ atol: tolerance[name]!.atol + rounding })
  expectWithin('out', result.outputs[0]!, read(`${key}.out`), within('out'))
  expectWithin('dx', result.gradients.get(0)!, dx, within('dx'))
}

/** Given logits, in two ways: rows without a target are never gathered; under a head they are the hidden states. */
async function checkCrossEntropy(golden: CrossEntropyCase, target: string): Promise<void> {
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
  // Three TF32 products see 22 bits of a logit, so the identity is not quite one. A loss and its gradient move no more than logits do.
  const largest = read(`${key}.x`).reduce((most, logit) => Math.max(most, Math.abs(logit)), 0)
  await checkLoss(target, 'linear_cross_entropy', golden, {
    rounding: target === 'cuda' ? largest * 2 ** -22 : 0,
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
    await checkLoss(target, 'cross_entropy', golden, { inputs, attributes: smoothing, dx })
  }
}

/** The mean over all elements. */
async function checkBinaryCrossEntropy(golden: BinaryCrossEntropyCase, target: string): Promise<void> {
  const shape = shapeOf(`${golden.key}.x`)
  const targets = given(float32(shape, golden.targets.flat()))
  await checkLoss(target, 'binary_cross_entropy', golden, {
    inputs: [tensor(read(`${golden.key}.x`), shape), targets, given(scalar(1 / elements(shape)))],
    dx: read(`${golden.key}.dx`),
  })
}

async function checkMeanSquaredError(golden: GoldenCase, target: string): Promise<void> {
  const shape = [elements(shapeOf(`${golden.key}.x`)), 1]
  const targets = given(float32(shape, [...read(`${golden.key}.target`)]))
  await checkLoss(target, 'mean_squared_error', golden, {
    inputs: [tensor(read(`${golden.key}.x`), shape), targets, given(scalar(1 / elements(shape)))],
    dx: read(`${golden.key}.dx`),
  })
}

/**
 * There is no divergence among the ops, but it tells whether class weights are PyTorch's: with p = softmax(target) a row's
 * divergence is its cross-entropy with every class as the label once, weighted by p, less the entropy of p.
 */
async function checkDivergence({ key, tolerance }: GoldenCase, target: string): Promise<void> {
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
      target,
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

function checkLossCase(golden: GoldenCase, target: string): Promise<void> {
  if (golden.name === 'cross_entropy') return checkCrossEntropy(golden as CrossEntropyCase, target)
  if (golden.name === 'mse') return checkMeanSquaredError(golden, target)
  if (golden.name.startsWith('kl divergence')) return checkDivergence(golden, target)
  expect(golden.name).toBe('binary_cross_entropy_with_logits')
  return checkBinaryCrossEntropy(golden as BinaryCrossEntropyCase, target)
}

describe.skipIf(goldensFolder === undefined)(`operations against PyTorch ${goldensMissing}`, () => {
  describe.each(targets)('%s', (target) => {
    for (const golden of goldens.norms) it(`${golden.name} ${golden.key}`, () => checkNorm(golden, target))
    for (const golden of goldens.activations) it(golden.name, () => checkActivation(golden, target))
    for (const golden of goldens.losses) it(golden.key, () => checkLossCase(golden, target))
  })
})
