/** What logits say, as probabilities. */

/** Of `count` logits from `start` on. In double precision: metrics take logarithms and differences of the results. */
export function softmax(logits: ArrayLike<number>, start = 0, count = logits.length - start): Float64Array {
  let largest = -Infinity
  for (let i = 0; i < count; i++) largest = Math.max(largest, logits[start + i] ?? NaN)
  const probabilities = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) sum += probabilities[i] = Math.exp((logits[start + i] ?? NaN) - largest)
  return probabilities.map((value) => value / sum)
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** The logits of a text that was read in windows: their mean, each window counting alike; of a single window its own. */
export function meanLogits(windows: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = windows
  if (windows.length <= 1) return first
  return first.map((_, i) => windows.reduce((sum, logits) => sum + (logits[i] ?? NaN), 0) / windows.length)
}

/** Index of the first largest value. */
export function largestIndex(values: ArrayLike<number>): number {
  let best = 0
  let largest = values[0] ?? NaN
  for (let i = 1; i < values.length; i++) {
    const value = values[i] as number
    if (value > largest) {
      best = i
      largest = value
    }
  }
  return best
}

/** The first largest of each row of `outputs` logits. */
export function likeliest(logits: Float32Array, outputs: number): Int32Array {
  return Int32Array.from({ length: logits.length / outputs }, (_, row) =>
    largestIndex(logits.subarray(row * outputs, (row + 1) * outputs)),
  )
}
