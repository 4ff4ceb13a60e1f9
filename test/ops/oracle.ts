import { native } from '../../lib/native.js'
import type { CaseInput, OpCase, OpCases } from './op-case.js'
import { elements, normal, roundToBf16, sample } from './numbers.js'
import type { CaseDtype } from './tolerance.js'

/** A case with its numbers: what the kernels get, and what they should make of it. */
export interface FilledCase {
  readonly definition: OpCase
  /** Per input: float32 or i32 values; null where absent. */
  readonly values: readonly (Float32Array | Int32Array | null)[]
  readonly outputs: readonly { readonly shape: readonly number[]; readonly data: Float64Array }[]
  /** The gradient that arrives at output 0. */
  readonly seed: Float32Array
  readonly gradients: readonly CheckedGradient[]
}

/** Derivatives of sum(seed × output 0), along directions that are single elements or random vectors. */
export interface CheckedGradient {
  readonly input: number
  readonly elements: readonly number[]
  readonly expected: Float64Array
  /** Random directions over the whole input, for tensors too large to check one element at a time. */
  readonly directions: readonly { readonly vector: Float32Array; readonly expected: number }[]
}

/** Above this many elements, a sample of them and some directions. One element costs two runs of the reference. */
const everyElement = 600
const sampled = 120
const directions = 3
/** Central differences: the error is step² × third derivative, and 1e-16 / step from float64: both near 1e-9 here. */
const step = 2 ** -13

function fill(name: string, input: CaseInput, dtype: CaseDtype): Float32Array | Int32Array | null {
  if (input === null) return null
  if (input.kind === 'integer') return Int32Array.from(input.values)
  if (input.kind === 'float32') return Float32Array.from(input.values)
  const values =
    input.values === undefined ? normal(name, elements(input.shape), input.std) : Float32Array.from(input.values)
  return dtype === 'bf16' ? roundToBf16(values) : values
}

export function fillCase(suite: OpCases, definition: OpCase, dtype: CaseDtype): FilledCase {
  const name = `${suite.op} ${definition.name}`
  const values = definition.inputs.map((input, index) => fill(`${name} ${index}`, input, dtype))
  const wide = values.map((array) => (array === null ? null : Float64Array.from(array)))
  const evaluate = () =>
    native().reference(
      suite.op,
      definition.attributes,
      definition.inputs.map((input, index) => (input === null ? null : { shape: input.shape, data: wide[index]! })),
    )
  const outputs = evaluate()
  const size = outputs[0]!.data.length
  let seed = suite.loss === undefined ? normal(`${name} seed`, size, 1) : Float32Array.of(1)
  if (dtype === 'bf16') seed = roundToBf16(seed)
  const objective = () => {
    const output = evaluate()[0]!.data
    return output.reduce((sum, value, index) => sum + value * seed[index]!, 0)
  }
  /** d objective / d (wide + t × move) at t = 0. */
  const derivative = (array: Float64Array, move: (t: number) => void) => {
    const kept = array.slice()
    move(step)
    const above = objective()
    array.set(kept)
    move(-step)
    const below = objective()
    array.set(kept)
    return (above - below) / (2 * step)
  }
  const differentiable =
    native()
      .ops()
      .find((op) => op.name === suite.op)?.differentiable === true
  const gradients: CheckedGradient[] = []
  definition.inputs.forEach((input, index) => {
    if (!differentiable || input?.kind !== 'float' || !input.differentiate) return
    const array = wide[index]!
    const checked = sample(
      `${name} ${index} sample`,
      array.length <= everyElement ? array.length : sampled,
      array.length,
    )
    const expected = Float64Array.from(checked, (element) => derivative(array, (t) => (array[element]! += t)))
    const along = Array.from({ length: array.length <= everyElement ? 0 : directions }, (_, direction) => {
      const vector = normal(`${name} ${index} direction ${direction}`, array.length, 1 / Math.sqrt(array.length))
      return { vector, expected: derivative(array, (t) => vector.forEach((value, at) => (array[at]! += t * value))) }
    })
    gradients.push({ input: index, elements: checked, expected, directions: along })
  })
  return { definition, values, outputs, seed, gradients }
}
