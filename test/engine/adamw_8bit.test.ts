/**
 * AdamW with moments of a byte each, against float64: every step is that of AdamW from the moments that the codes of before stand for,
 * and the codes of after are those of the intervals that the new moments lie in.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  native,
  type NativeBatch,
  type NativeGraph,
  type NativeOptimizer,
  type NativeProgram,
  type NativeSession,
  type OptimizerKind,
} from '../../lib/native.js'
import { openSession, type Device } from '../../lib/session.js'
import { describeCuda } from '../cuda/describe-cuda.js'
import { readFileTensors, type TensorBytes } from '../models/safetensors-file.js'
import { normal, roundToBf16 } from '../ops/numbers.js'
import { expectClose, expectSameBits, type CaseDtype } from '../ops/tolerance.js'

const rows = 5
const steps = 4
const block = 256
/** Layers one after another: of 4,096 elements, of more, the last block of which is not full, and of fewer, whose moments are floats. */
const shapes: Readonly<Record<string, readonly [number, number]>> = {
  exact: [64, 64],
  large: [131, 64],
  small: [31, 131],
}
const names = Object.keys(shapes)
const coded = new Set(['exact', 'large'])
const elements = (name: string) => shapes[name]![0] * shapes[name]![1]
const beta1 = 0.9
const beta2 = 0.99
const eps = 1e-8
const weightDecay = 0.1
const learningRate = 0.01

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attune-adamw-8bit-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** bitsandbytes' create_dynamic_map, as a list of intervals [low, high) with the value in their middle. */
interface Interval {
  readonly low: number
  readonly high: number
  readonly value: number
}
function intervals(perDecade: (decade: number) => number): Interval[] {
  const list: Interval[] = []
  for (let decade = 0; decade < 7; decade++) {
    const count = perDecade(decade)
    const end = 10 ** (decade - 6)
    for (let i = 0; i < count; i++) {
      const [low, high] = [0.1 + (0.9 * i) / count, 0.1 + (0.9 * (i + 1)) / count]
      list.push({ low: end * low, high: end * high, value: (end * (low + high)) / 2 })
    }
  }
  return [...list, { low: 1, high: 1, value: 1 }]
}
const signedIntervals = intervals((decade) => 2 ** decade)
const squareIntervals = intervals((decade) => 2 ** (decade + 1))

/** Of codes 127 above and below zero. */
function intervalOfCode(
  code: number,
  signed: boolean,
): { readonly sign: number; readonly interval: Interval | undefined } {
  const magnitude = signed ? Math.abs(code - 127) : code
  return { sign: signed && code < 127 ? -1 : 1, interval: (signed ? signedIntervals : squareIntervals)[magnitude - 1] }
}

interface Moments {
  readonly values: Float64Array
  readonly codes?: Uint8Array
  readonly scales?: Float32Array
}

function floatsOf({ data }: TensorBytes): Float32Array {
  return new Float32Array(Uint8Array.from(data).buffer)
}

function readMoments(file: ReadonlyMap<string, TensorBytes>, name: string, moment: 'exp_avg' | 'exp_avg_sq'): Moments {
  const stored = file.get(`${name}.${moment}`)!
  expect(stored.dtype).toBe(coded.has(name) ? 'U8' : 'F32')
  if (!coded.has(name)) return { values: Float64Array.from(floatsOf(stored)) }
  const codes = Uint8Array.from(stored.data)
  const scales = floatsOf(file.get(`${name}.${moment}_scale`)!)
  expect(scales).toHaveLength(Math.ceil(codes.length / block))
  const values = Float64Array.from(codes, (code, i) => {
    const { sign, interval } = intervalOfCode(code, moment === 'exp_avg')
    return sign * (interval?.value ?? 0) * scales[Math.floor(i / block)]!
  })
  return { values, codes, scales }
}

function graphOf(dtype: CaseDtype): NativeGraph {
  const graph = new (native().Graph)(dtype)
  let x = graph.parameter('x', [rows, 64]).id
  for (const name of names) x = graph.node('linear', name, [x, graph.parameter(name, shapes[name]!).id], {})[0]!.id
  const targets = graph.input('targets', [rows, 31], 'f32').id
  const scale = graph.input('loss_scale', [1], 'f32').id
  graph.output('loss', graph.node('mean_squared_error', 'loss', [x, targets, scale], {})[0]!.id)
  return graph
}

interface Trained {
  readonly session: NativeSession
  readonly program: NativeProgram
  readonly optimizer: NativeOptimizer
}

async function open(
  device: Device,
  dtype: CaseDtype,
  threads: number,
  set = '',
  kind: OptimizerKind = 'adamw_8bit',
): Promise<Trained> {
  const session = openSession({ device, threads, instructionSet: set })
  // One input is always 0, and some are so small that their squares are out of the codes' range.
  const x = normal('adamw_8bit x', rows * 64, 1).map((value, i) =>
    i % 64 === 0 ? 0 : i % 64 < 4 ? 1e-5 * value : value,
  )
  const define = async (name: string, shape: readonly number[], values: Float32Array) => {
    session.defineParameter(name, shape, dtype)
    await session.writeParameter(name, dtype === 'bf16' ? roundToBf16(values) : values)
  }
  await define('x', [rows, 64], x)
  for (const name of names) await define(name, shapes[name]!, normal(`adamw_8bit ${name}`, elements(name), 0.2))
  session.setTrainable(names)
  const program = session.compile(graphOf(dtype), { loss: 'loss' })
  const groups = [{ parameters: names, betas: [beta1, beta2] as const, eps, weightDecay }]
  return { session, program, optimizer: session.createOptimizer(groups, kind) }
}

const targets = normal('adamw_8bit targets', rows * 31, 1)
const batch: NativeBatch = { sizes: {}, inputs: { targets, loss_scale: Float32Array.of(1 / targets.length) } }

async function step({ session, program, optimizer }: Trained, draw: number): Promise<void> {
  const random = { seed: 0, draw }
  const request = { program, batches: [batch], optimizer, learningRates: [learningRate], maxGradNorm: 0, random }
  expect((await session.step(request)).updated).toBe(true)
}

async function allWeights({ session }: Trained): Promise<Map<string, Float32Array>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await session.readParameter(name)] as const)))
}

async function savedState(trained: Trained, path: string): Promise<Map<string, TensorBytes>> {
  await trained.session.saveOptimizer(trained.optimizer, path)
  return readFileTensors(path)
}

/** What is held of `expected`: the largest of each block exactly, the others within their interval. */
function expectHeld(name: string, held: Moments, expected: Float64Array, signed: boolean): void {
  const wrong: string[] = []
  for (let first = 0; first < expected.length; first += block) {
    const own = expected.subarray(first, first + block)
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const scale = held.scales![first / block]!
    // Its sign is that of the largest; one of another sign may be as large but for rounding.
    if (!(Math.abs(Math.abs(scale) - largest) <= 1e-5 * largest)) wrong.push(`scale ${scale} of ${largest}`)
    own.forEach((value, i) => {
      const code = held.codes![first + i]!
      const x = scale === 0 ? 0 : value / scale
      if (!isHeld(x, code, signed)) wrong.push(`[${first + i}]: ${x} as ${code}`)
    })
  }
  expect(wrong.slice(0, 5), name).toEqual([])
}

function isHeld(x: number, code: number, signed: boolean): boolean {
  const { sign, interval } = intervalOfCode(code, signed)
  if (interval === undefined) return Math.abs(x) <= (signed ? 1.0001e-7 : 0)
  // Squares are held as the least there is.
  if (!signed && x < 1e-7) return code === 1 && x > 0
  return sign * x >= interval.low * (1 - 1e-4) && sign * x <= interval.high * (1 + 1e-4)
}

async function expectSteps(trained: Trained): Promise<void> {
  const { session } = trained
  let before: Map<string, { m: Float64Array; v: Float64Array }> = new Map(
    names.map((name) => [name, { m: new Float64Array(elements(name)), v: new Float64Array(elements(name)) }]),
  )
  for (let t = 1; t <= steps; t++) {
    const old = await allWeights(trained)
    await step(trained, t)
    const gradients = new Map(
      await Promise.all(names.map(async (name) => [name, await session.readGradient(name)] as const)),
    )
    const weights = await allWeights(trained)
    const file = await savedState(trained, join(folder, 'state.safetensors'))
    const after: typeof before = new Map()
    for (const name of names) {
      const gradient = gradients.get(name)!
      const m = before.get(name)!.m.map((value, i) => beta1 * value + (1 - beta1) * gradient[i]!)
      const v = before.get(name)!.v.map((value, i) => beta2 * value + (1 - beta2) * gradient[i]! ** 2)
      const expected = Float64Array.from(old.get(name)!, (weight, i) => {
        const root = Math.sqrt(v[i]! / (1 - beta2 ** t)) + eps
        return weight * (1 - learningRate * weightDecay) - (learningRate * (m[i]! / (1 - beta1 ** t))) / root
      })
      expectClose(`${name} after step ${t}`, weights.get(name)!, expected, {
        dtype: 'f32',
        reduction: 16,
        magnitude: 1,
      })
      const [heldM, heldV] = [readMoments(file, name, 'exp_avg'), readMoments(file, name, 'exp_avg_sq')]
      if (coded.has(name)) {
        expectHeld(`${name}.exp_avg`, heldM, m, true)
        expectHeld(`${name}.exp_avg_sq`, heldV, v, false)
      } else {
        expectClose(`${name}.exp_avg`, heldM.values, m, { dtype: 'f32', reduction: 4 })
        expectClose(`${name}.exp_avg_sq`, heldV.values, v, { dtype: 'f32', reduction: 4 })
      }
      after.set(name, { m: heldM.values, v: heldV.values })
    }
    before = after
  }
}

async function weightsAfter(
  device: Device,
  dtype: CaseDtype,
  threads: number,
  set: string,
): Promise<Map<string, Float32Array>> {
  const trained = await open(device, dtype, threads, set)
  for (let t = 1; t <= steps; t++) await step(trained, t)
  const weights = await allWeights(trained)
  trained.session.dispose()
  return weights
}

/** Goes on from a file, with weights and moments that were other ones. */
async function weightsAfterResuming(device: Device, dtype: CaseDtype): Promise<Map<string, Float32Array>> {
  const path = join(folder, `${device}-${dtype}.safetensors`)
  const first = await open(device, dtype, 2)
  for (let t = 1; t <= 2; t++) await step(first, t)
  await first.session.saveOptimizer(first.optimizer, path)
  first.session.dispose()
  const second = await open(device, dtype, 2)
  await step(second, 9)
  await second.session.loadOptimizer(second.optimizer, path)
  for (let t = 3; t <= steps; t++) await step(second, t)
  const weights = await allWeights(second)
  second.session.dispose()
  return weights
}

function expectSameWeights(
  actual: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
): void {
  for (const name of names) expectSameBits(name, actual.get(name)!, expected.get(name)!)
}

describe.each(['f32', 'bf16'] as const)('in %s', (dtype) => {
  test.each(native().processor().instructionSets)('%s: steps are AdamW’s, with any number of threads', async (set) => {
    const trained = await open('cpu', dtype, 1, set)
    await expectSteps(trained)
    trained.session.dispose()
    const weights = await weightsAfter('cpu', dtype, 1, set)
    expectSameWeights(await weightsAfter('cpu', dtype, 3, set), weights)
  })

  test('a run goes on from a file with the same bits', async () => {
    expectSameWeights(await weightsAfterResuming('cpu', dtype), await weightsAfter('cpu', dtype, 2, ''))
  })

  describeCuda(() => {
    test('steps are AdamW’s', async () => {
      const trained = await open('cuda', dtype, 1)
      await expectSteps(trained)
      trained.session.dispose()
    })

    test('a run goes on from a file with the same bits', async () => {
      expectSameWeights(await weightsAfterResuming('cuda', dtype), await weightsAfter('cuda', dtype, 1, ''))
    })
  })
})

test('two bytes an element and a scale for each block, but of small parameters', async () => {
  const { session, optimizer } = await open('cpu', 'f32', 1)
  const bytes = (name: string) =>
    coded.has(name) ? 2 * (elements(name) + 4 * Math.ceil(elements(name) / block)) : 8 * elements(name)
  const expected = names.reduce((sum, name) => sum + bytes(name), 0)
  expect(optimizer.bytes).toBe(expected)
  expect(session.memory().optimizer).toBe(expected)
  for (const name of names) {
    expect(native().momentBytes('adamw_8bit', elements(name))).toBe(bytes(name))
    expect(native().momentBytes('adamw', elements(name))).toBe(8 * elements(name))
  }
  session.dispose()
})

test.each([
  ['adamw', 'adamw_8bit'],
  ['adamw_8bit', 'adamw'],
] as const)('what %s wrote is refused by %s, which stays as it was', async (writer, reader) => {
  const path = join(folder, `${writer}.safetensors`)
  const first = await open('cpu', 'f32', 1, '', writer)
  await step(first, 1)
  await first.session.saveOptimizer(first.optimizer, path)
  first.session.dispose()
  const second = await open('cpu', 'f32', 1, '', reader)
  await step(second, 2)
  const before = await savedState(second, join(folder, 'before.safetensors'))
  await expect(second.session.loadOptimizer(second.optimizer, path)).rejects.toMatchObject({
    code: 'invalid-checkpoint',
    message: expect.stringMatching(/is (F32|U8); the run needs (U8|F32)/) as string,
  })
  expect(await savedState(second, join(folder, 'after.safetensors'))).toEqual(before)
  second.session.dispose()
})
