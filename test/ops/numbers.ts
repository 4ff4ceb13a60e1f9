/** Numbers for the op tests: reproducible random values and bf16 rounding. */

/** Mulberry32 keyed by a name: the same name gives the same numbers everywhere. */
function randomUniform(name: string): () => number {
  let state = 2166136261
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 16777619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296
  }
}

/** Normal(0, std), as float32. */
export function normal(name: string, count: number, std: number): Float32Array {
  const uniform = randomUniform(name)
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    return std * radius * Math.cos(2 * Math.PI * uniform())
  })
}

/** `count` different integers below `below`, ascending; all of them when there are no more. */
export function sample(name: string, count: number, below: number): number[] {
  if (below <= count) return Array.from({ length: below }, (_, index) => index)
  const uniform = randomUniform(name)
  const chosen = new Set<number>()
  while (chosen.size < count) chosen.add(Math.floor(uniform() * below))
  return [...chosen].sort((a, b) => a - b)
}

/** Rounds to the upper 16 bits, to nearest, ties to even, as the core does. */
export function roundToBf16(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.slice().buffer)
  for (let index = 0; index < bits.length; index++) {
    const word = bits[index]!
    bits[index] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000
  }
  return new Float32Array(bits.buffer)
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
