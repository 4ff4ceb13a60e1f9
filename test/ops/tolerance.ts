import { expect } from 'vitest'
import type { TensorError } from '../../bench/cuda/op-error.js'

export type CaseDtype = 'f32' | 'bf16'

/** Unit roundoff: half a unit in the last place, relative. */
const unit: Readonly<Record<CaseDtype, number>> = { f32: 2 ** -24, bf16: 2 ** -8 }

export interface Bound {
  readonly dtype: CaseDtype
  /** Terms of the longest sum behind an element. */
  readonly reduction: number
  /**
   * Least size of what is summed, for tensors whose own largest element is small by chance or exactly 0.
   * @default 0
   */
  readonly magnitude?: number
}

/**
 * How far an element may be from the reference's. Three sources of error, each with its bound:
 *  - the result is rounded once to its dtype: unit × |expected|;
 *  - float32 sums of n terms: the errors of n roundings walk randomly, so √n units of the tensor's largest element;
 *    4 of them, for the tail over all elements and for exp, tanh and 1/√ that are good to a few units;
 *  - in a bf16 graph, operands that are themselves rounded to bf16 on the way (saved outputs, probabilities, gradients
 *    of logits): two units of the tensor's largest element.
 */
function toleranceOf(expected: ArrayLike<number>, bound: Bound): (index: number) => number {
  const scale = Math.max(bound.magnitude ?? 0, largestOf(expected))
  const sums = 4 * unit.f32 * Math.sqrt(bound.reduction)
  const operands = bound.dtype === 'bf16' ? 2 * unit.bf16 : 0
  const shared = (sums + operands) * scale
  return (index) => unit[bound.dtype] * Math.abs(expected[index]!) + shared
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, Math.abs(values[index]!))
  return largest
}

/** Zero differences are zero parts, whatever of; what is no number is as far away as can be. */
export function tensorError(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: Bound): TensorError {
  const tolerance = toleranceOf(expected, bound)
  const partOf = (difference: number, whole: number) => (difference === 0 ? 0 : difference / whole)
  let [absolute, ofTolerance] = [0, 0]
  for (let index = 0; index < expected.length; index++) {
    const found = Math.abs(actual[index]! - expected[index]!)
    const difference = Number.isNaN(found) ? Infinity : found
    absolute = Math.max(absolute, difference)
    ofTolerance = Math.max(ofTolerance, partOf(difference, tolerance(index)))
  }
  return { absolute, relative: partOf(absolute, largestOf(expected)), ofTolerance }
}

/** Compares element by element. */
export function expectClose(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, bound: Bound): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length)
  const toleranceAt = toleranceOf(expected, bound)
  for (let index = 0; index < expected.length; index++) {
    const tolerance = toleranceAt(index)
    const difference = Math.abs(actual[index]! - expected[index]!)
    if (difference <= tolerance) continue
    expect.fail(
      `${what}: element ${index} is ${actual[index]} but the float64 reference says ${expected[index]}: ` +
        `off by ${difference}, allowed ${tolerance}`,
    )
  }
}

/** Same bits, NaN included. */
export function expectSameBits(what: string, actual: ArrayBufferView, expected: ArrayBufferView): void {
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  if (bytes(actual).equals(bytes(expected))) return
  expect.fail(`${what}: not the same bits`)
}
