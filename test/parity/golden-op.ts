/** The golden numbers of single operations, and one op run on them. */
import { afterAll, expect } from 'vitest'
import { native, type NativeAttributes, type NativeSafetensors, type NativeSession } from '../../lib/native.js'
import { deviceVariable, openSession } from '../../lib/session.js'
import { elements } from '../ops/numbers.js'
import { float, type CaseInput } from '../ops/op-case.js'
import { runCase, type CaseResult } from '../ops/run-case.js'
import { goldenPath } from '../shared-goldens.js'

export interface Tolerance {
  readonly atol: number
}

export interface GoldenCase {
  readonly name: string
  readonly key: string
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

let file: NativeSafetensors | undefined
export function read(key: string): Float32Array {
  file ??= new (native().Safetensors)(goldenPath('ops', 'expected.safetensors'))
  return file.read(key)
}
export function shapeOf(key: string): readonly number[] {
  read(key)
  return file!.tensors.find((tensor) => tensor.name === key)!.shape
}

/** What single operations are run on: every instruction set of the processor, or the GPU. */
export const targets = process.env[deviceVariable] === 'cuda' ? ['cuda'] : native().processor().instructionSets

const sessions = new Map<string, NativeSession>()
function sessionOf(target: string): NativeSession {
  const device = target === 'cuda' ? 'cuda' : 'cpu'
  const instructionSet = device === 'cuda' ? '' : target
  const session = sessions.get(target) ?? openSession({ device, threads: 2, instructionSet })
  sessions.set(target, session)
  return session
}
afterAll(() => {
  for (const session of sessions.values()) session.dispose()
  file?.close()
})

export interface GoldenRun {
  readonly target: string
  readonly op: string
  readonly attributes: NativeAttributes
  readonly inputs: readonly { readonly input: CaseInput; readonly values: Float32Array | null }[]
  readonly outputShape: readonly number[]
  /** The gradient that arrives at output 0; without it the op is the root, or forward only. */
  readonly seed?: Float32Array
  readonly loss?: boolean
}

/** One op on given numbers, in float32. */
export function runGolden({ target, op, attributes, inputs, outputShape, seed, loss }: GoldenRun): Promise<CaseResult> {
  const differentiates = seed !== undefined || loss === true
  const gradients = inputs.flatMap(({ input }, index) =>
    differentiates && input?.kind === 'float'
      ? [{ input: index, elements: [], expected: new Float64Array(), directions: [] }]
      : [],
  )
  return runCase(
    sessionOf(target),
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

export const tensor = (values: Float32Array, shape: readonly number[]) => ({ input: float(shape), values })
export const given = (input: CaseInput) => ({ input, values: null })

export function expectWithin(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol }: Tolerance,
): void {
  expect(actual.length, what).toBe(expected.length)
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!)
    if (difference <= atol) continue
    expect.fail(
      `${what}[${index}] is ${actual[index]}, PyTorch has ${expected[index]}: off by ${difference}, allowed ${atol}`,
    )
  }
}
