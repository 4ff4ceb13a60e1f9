import { native } from '../../lib/native.js'
import type { Tensor } from '../../lib/models/tensor.js'

/** Every tensor of a safetensors file. */
export function readTensors(path: string): Map<string, Tensor> {
  const file = new (native().Safetensors)(path)
  try {
    return new Map(file.tensors.map(({ name, shape }) => [name, { data: file.read(name), shape }]))
  } finally {
    file.close()
  }
}

/** The largest distance of two arrays and where it is; NaN counts as infinite. */
export function largestDistance(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { distance: number; at: number } {
  if (actual.length !== expected.length) return { distance: Infinity, at: -1 }
  let distance = 0
  let at = 0
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!)
    if (!(d <= distance)) {
      distance = Number.isNaN(d) ? Infinity : d
      at = i
    }
  }
  return { distance, at }
}

/** One line per violated bound: empty when all hold, so that a failing test shows them all at once. */
export class Bounds {
  readonly violations: string[] = []

  /** |actual - expected| <= atol, element by element. */
  near(name: string, actual: ArrayLike<number> | number, expected: ArrayLike<number> | number, atol: number): void {
    const [a, e] = [actual, expected].map((value) => (typeof value === 'number' ? [value] : value)) as [
      ArrayLike<number>,
      ArrayLike<number>,
    ]
    const { distance, at } = largestDistance(a, e)
    if (!(distance <= atol)) {
      this.violations.push(
        `${name}: off by ${distance} (allowed ${atol}) at ${at}: ${a[at]} for ${e[at]}, lengths ${a.length}, ${e.length}`,
      )
    }
  }

  /** ‖actual - expected‖ <= relative * ‖expected - start‖, as vectors. */
  nearChange(
    name: string,
    {
      actual,
      expected,
      start,
      relative,
    }: { actual: Float32Array; expected: Float32Array; start: Float32Array; relative: number },
  ): void {
    let off = 0
    let change = 0
    expected.forEach((value, i) => {
      off += (actual[i]! - value) ** 2
      change += (value - start[i]!) ** 2
    })
    if (!(Math.sqrt(off) <= relative * Math.sqrt(change))) {
      this.violations.push(`${name}: the change is off by ${Math.sqrt(off / change)} of itself (allowed ${relative})`)
    }
  }
}
