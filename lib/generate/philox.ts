/** Philox4x32-10 (Salmon et al., 2011): random bits as a pure function of a key and a counter. */
const multiplierA = 0xd2511f53
const multiplierB = 0xcd9e8d57
// The golden ratio and √3 − 1 in 32 bits: what the paper adds to the key between rounds.
const weylA = 0x9e3779b9
const weylB = 0xbb67ae85

export function philox(
  key: readonly [number, number],
  counter: readonly [number, number, number, number],
): [number, number, number, number] {
  let [k0, k1] = key
  let [c0, c1, c2, c3] = counter
  for (let round = 0; round < 10; round++) {
    const highA = highProduct(multiplierA, c0)
    const lowA = Math.imul(multiplierA, c0)
    const highB = highProduct(multiplierB, c2)
    const lowB = Math.imul(multiplierB, c2)
    c0 = (highB ^ c1 ^ k0) >>> 0
    c1 = lowB >>> 0
    c2 = (highA ^ c3 ^ k1) >>> 0
    c3 = lowA >>> 0
    k0 = (k0 + weylA) >>> 0
    k1 = (k1 + weylB) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** 53 random bits, as many as a double holds: the upper 27 and the lower 26. They depend on the seed, the draw and the stream alone. */
export function uniformBits(seed: number, draw: number, stream = 0): [number, number] {
  const high = Math.floor(seed / 0x1_0000_0000) >>> 0
  const [a, b] = philox([seed >>> 0, high], [draw >>> 0, stream >>> 0, 0, 0])
  return [a >>> 5, b >>> 6]
}

/** The same bits as a number in [0, 1). */
export function uniform(seed: number, draw: number, stream = 0): number {
  const [upper, lower] = uniformBits(seed, draw, stream)
  return (upper * 0x400_0000 + lower) / 2 ** 53
}

/** The upper 32 bits of a 64-bit product, by 16-bit halves: a double cannot hold all of it. */
function highProduct(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0
}
