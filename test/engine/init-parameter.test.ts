/** The first values of parameters: their distributions by count, the same bits for any number of threads. */
import { describe, expect, it } from 'vitest'
import { native, type NativeInitializer, type NativeSession } from '../../lib/native.js'
import { expectSameBits } from '../ops/tolerance.js'

/** Past one task of the core, and no multiple of the four values that one draw gives. */
const count = 200_003

async function values(
  init: NativeInitializer,
  options: { threads?: number; name?: string; shape?: readonly number[] } = {},
) {
  const { threads = 2, name = 'weight', shape = [count] } = options
  const session: NativeSession = new (native().Session)({ threads, instructionSet: '' })
  try {
    session.defineParameter(name, shape, 'f32')
    await session.initParameter(name, init)
    return await session.readParameter(name)
  } finally {
    session.dispose()
  }
}

function moments(data: Float32Array) {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length
  const central = (power: number) => data.reduce((sum, x) => sum + (x - mean) ** power, 0) / data.length
  const variance = central(2)
  return { mean, deviation: Math.sqrt(variance), kurtosis: central(4) / variance ** 2 }
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)

/** Simpson's rule over [-to, to]. */
function integral(f: (x: number) => number, to: number): number {
  const steps = 2000
  const h = (2 * to) / steps
  let sum = f(-to) + f(to)
  for (let i = 1; i < steps; i++) sum += (i % 2 === 0 ? 2 : 4) * f(-to + i * h)
  return (sum * h) / 3
}

/** Five standard errors of a mean over `count` values: one in two million, and the seed is fixed. */
const errors = 5 / Math.sqrt(count)

describe('truncated_normal', () => {
  it.each([0.01, 0.5, 1, 2, 3, 6])('is the normal distribution within %d deviations', async (cutoff) => {
    const deviation = 0.02
    const data = await values({ kind: 'truncated_normal', value: deviation, cutoff, seed: 3 })
    const inside = integral(density, cutoff)
    const moment = (power: number) => integral((x) => x ** power * density(x), cutoff) / inside
    const [second, fourth] = [moment(2), moment(4)]

    const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    expect(largest).toBeLessThanOrEqual(Math.fround(cutoff * deviation))
    const measured = moments(data)
    expect(Math.abs(measured.mean)).toBeLessThan(errors * deviation * Math.sqrt(second))
    const variance = (measured.deviation / deviation) ** 2
    expect(Math.abs(variance - second)).toBeLessThan(errors * Math.sqrt(fourth - second ** 2))

    // Not the moments alone: how many values lie within each part of the reach.
    for (const part of [0.1, 0.25, 0.5, 0.75, 0.9]) {
      const bound = part * cutoff
      const expected = integral(density, bound) / inside
      const actual = data.filter((x) => Math.abs(x) < bound * deviation).length / count
      const spread = Math.sqrt(expected * (1 - expected))
      expect(Math.abs(actual - expected), `within ${bound} deviations`).toBeLessThan(errors * spread + 1 / count)
    }
  })

  it('goes up to its bounds on both sides', async () => {
    const data = await values({ kind: 'truncated_normal', value: 1, cutoff: 2, seed: 1 })
    expect(data.reduce((most, x) => Math.max(most, x))).toBeGreaterThan(1.99)
    expect(data.reduce((least, x) => Math.min(least, x))).toBeLessThan(-1.99)
  })

  it.each([0, -1, NaN, undefined])('refuses a cutoff of %s', async (cutoff) => {
    const init = { kind: 'truncated_normal', value: 1, cutoff, seed: 1 } as NativeInitializer
    await expect(values(init)).rejects.toMatchObject({ code: 'invalid-option', where: 'init.cutoff' })
  })
})

it('normal and uniform have the deviation they are asked for', async () => {
  const normal = moments(await values({ kind: 'normal', value: 0.3, seed: 4 }))
  expect(Math.abs(normal.deviation / 0.3 - 1)).toBeLessThan(errors * Math.SQRT1_2)
  expect(Math.abs(normal.kurtosis - 3)).toBeLessThan(errors * Math.sqrt(24))
  const uniform = await values({ kind: 'uniform', value: 0.3, seed: 4 })
  expect(uniform.every((x) => Math.abs(x) <= Math.fround(0.3))).toBe(true)
  const { deviation } = moments(uniform)
  expect(Math.abs(((deviation / 0.3) ** 2 - 1 / 3) / Math.sqrt(4 / 45))).toBeLessThan(errors)
})

const kinds: NativeInitializer[] = [
  { kind: 'normal', value: 0.5, seed: 7 },
  { kind: 'truncated_normal', value: 0.5, cutoff: 2, seed: 7 },
  { kind: 'uniform', value: 0.5, seed: 7 },
  { kind: 'constant', value: 0.5, seed: 7 },
]

it.each(kinds)('$kind: the same bits for 1, 2 and 5 threads', async (init) => {
  const one = await values(init, { threads: 1 })
  for (const threads of [2, 5]) expectSameBits(`${threads} threads`, await values(init, { threads }), one)
})

it('another seed and another name give other values', async () => {
  const init = { kind: 'truncated_normal', value: 1, cutoff: 2, seed: 7 } as const
  const one = await values(init)
  const same = (other: Float32Array) => one.filter((x, i) => x === other[i]).length
  expect(same(await values({ ...init, seed: 8 }))).toBeLessThan(10)
  expect(same(await values(init, { name: 'other' }))).toBeLessThan(10)
})

describe('paddingIndex', () => {
  const shape = [5, 7]

  it.each(kinds)('$kind: is a row of zeros, and the other rows are as without it', async (init) => {
    const expected = await values(init, { shape })
    expect(expected.every((x) => x !== 0)).toBe(true)
    expected.fill(0, 2 * 7, 3 * 7)
    expectSameBits('row 2', await values({ ...init, paddingIndex: 2 }, { shape }), expected)
  })

  it.each([
    [-1, "a row's index"],
    [5, 'weight has no row 5'],
  ])('refuses %d', async (paddingIndex, message) => {
    const init = { kind: 'constant', value: 1, seed: 1, paddingIndex } as const
    await expect(values(init, { shape })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'init.paddingIndex',
      message: expect.stringContaining(message) as string,
    })
  })
})
