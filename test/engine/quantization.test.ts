/** Quantized weights: how far they are from what they were made of, and that every kernel multiplies by exactly what `read` gives. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { native, type NativeProgram, type NativeSession } from '../../lib/native.js'
import { quantizations, type Quantization } from '../../lib/models/quantization.js'
import { RandomStream } from '../../lib/data/random.js'
import { goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'

const block = 64

const sessions: NativeSession[] = []
afterAll(() => {
  for (const session of sessions) session.dispose()
})
function open(instructionSet = '', threads = 2): NativeSession {
  const session = new (native().Session)({ threads, instructionSet })
  sessions.push(session)
  return session
}

function values(count: number, seed: number, scale = 1): Float32Array {
  const random = new RandomStream('quantization', seed)
  return Float32Array.from({ length: count }, () => scale * (2 * random.nextUnit() - 1))
}

async function roundTrip(dtype: Quantization, given: Float32Array): Promise<Float32Array> {
  const session = open()
  session.defineParameter('w', [given.length], dtype)
  await session.writeParameter('w', given)
  return session.readParameter('w')
}

describe('rounding', () => {
  test('int8 is off by half a scale at most, which is 1 / 254 of the largest of a block', async () => {
    const given = values(10 * block + 5, 1)
    given.fill(0, block, 2 * block)
    given[0] = 40
    const back = await roundTrip('int8', given)
    for (let begin = 0; begin < given.length; begin += block) {
      const part = given.subarray(begin, begin + block)
      const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      // Scale, quotient and product are each rounded to float32 once.
      part.forEach((value, i) =>
        expect(Math.abs(back[begin + i]! - value)).toBeLessThanOrEqual((largest / 254) * (1 + 254 * 2 ** -22)),
      )
    }
  })

  test('takes 1 1/16 bytes a weight as int8, and 0.52 as nf4', async () => {
    const count = 256 * block
    for (const [dtype, bytes] of [
      ['int8', count + (count / block) * 4],
      ['nf4', count / 2 + count / block + 2 * 4],
    ] as const) {
      const session = open()
      session.defineParameter('w', [count], dtype)
      await session.writeParameter('w', values(count, 2))
      expect(session.memory().parameters).toBe(bytes)
    }
  })

  test.each(quantizations)('%s refuses what is not finite, and training', async (dtype) => {
    const session = open()
    session.defineParameter('layer.weight', [4], dtype)
    const bad = Float32Array.of(1, NaN, 2, 3)
    await expect(session.writeParameter('layer.weight', bad)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('layer.weight holds a value that is not finite') as string,
    })
    expect(() => session.setTrainable(['layer.weight'])).toThrow(`held as ${dtype} and cannot be trained`)
  })
})

interface GoldenCase {
  readonly key: string
  readonly weight: string
  readonly type: string
  readonly blocksize: number
  readonly double: boolean
}

/** A float32 tensor of a file that holds bytes too, which are no weights. */
function goldenFloats(name: string): Float32Array {
  const file = readFileSync(goldenPath('quantization', 'expected.safetensors'))
  const length = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>
  const [begin, end] = header[name]!.data_offsets
  return new Float32Array(Uint8Array.from(file.subarray(8 + length + begin, 8 + length + end)).buffer)
}

describe('nf4 as bitsandbytes computes with it', () => {
  if (goldensMissing !== '') test.skip(goldensMissing)
  const { cases } =
    goldensMissing === '' ? readGolden<{ cases: GoldenCase[] }>('quantization', 'cases.json') : { cases: [] }
  const ours = cases.filter(({ type, blocksize, double }) => type === 'nf4' && blocksize === block && double)
  test.each(ours.map((each) => [each.key, each] as const))('%s', async (key, { weight }) => {
    const expected = goldenFloats(`${key}.dequantized`)
    const back = await roundTrip('nf4', goldenFloats(weight))
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    // The mean of the scales is a sum in another order; products and sums are rounded.
    back.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(largest * 2 ** -20))
  })
})

interface Shape {
  readonly rows: number
  readonly inputs: number
  readonly outputs: number
  readonly layout: 'out_in' | 'in_out'
}

/** `exact`: the weight in float32, with the values that the quantized one stands for. */
async function product(
  session: NativeSession,
  name: string,
  dtype: Quantization | 'exact',
  { rows, inputs, outputs, layout }: Shape,
): Promise<Float32Array> {
  const graph = new (native().Graph)('f32')
  const shape = layout === 'out_in' ? [outputs, inputs] : [inputs, outputs]
  const exact = `${name} exact`
  const weight = dtype === 'exact' ? graph.parameter(exact, shape) : graph.parameter(name, shape, dtype)
  const x = graph.input('x', ['tokens', inputs], 'f32')
  const y = graph.node('linear', 'linear', [x.id, weight.id], { layout })[0]!
  graph.output('y', y.id)
  const program: NativeProgram = session.compile(graph)
  const batch = { sizes: { tokens: rows }, inputs: { x: values(rows * inputs, 3) } }
  const { y: result } = await session.run(program, batch, { fetch: ['y'] })
  program.dispose()
  return result as Float32Array
}

async function define(session: NativeSession, name: string, dtype: Quantization, shape: Shape): Promise<void> {
  const { inputs, outputs, layout } = shape
  const size = layout === 'out_in' ? [outputs, inputs] : [inputs, outputs]
  session.defineParameter(name, size, dtype)
  await session.writeParameter(name, values(inputs * outputs, 4))
  session.defineParameter(`${name} exact`, size, 'f32')
  await session.writeParameter(`${name} exact`, await session.readParameter(name))
}

const shapes = [
  { inputs: 128, outputs: 192 },
  // Blocks that cross rows, and an odd number of elements.
  { inputs: 48, outputs: 104 },
  { inputs: 37, outputs: 45 },
  // More than one part and more than one range of columns.
  { inputs: 192, outputs: 4224 },
]

describe.each(native().processor().instructionSets)('products on %s', (instructionSet) => {
  test.each(quantizations)('by %s are those by what it stands for, bit by bit', async (dtype) => {
    const session = open(instructionSet)
    for (const size of shapes) {
      for (const layout of ['out_in', 'in_out'] as const) {
        const name = `${dtype} ${size.inputs} ${size.outputs} ${layout}`
        await define(session, name, dtype, { ...size, layout, rows: 0 })
        for (const rows of [1, 2, 3, 4, 5, 16, 17, 40]) {
          const shape = { ...size, layout, rows }
          const expected = await product(session, name, 'exact', shape)
          expect(await product(session, name, dtype, shape), `${name}, ${rows} rows`).toEqual(expected)
        }
      }
    }
  })

  test.each([...quantizations, 'exact'] as const)('by %s give a row the same in any company', async (dtype) => {
    const session = open(instructionSet)
    const size = { inputs: 320, outputs: 70, layout: 'out_in' as const }
    await define(session, 'w', dtype === 'exact' ? 'int8' : dtype, { ...size, rows: 0 })
    const one = await product(session, 'w', dtype, { ...size, rows: 1 })
    for (const rows of [2, 3, 4, 5, 9, 16]) {
      const many = await product(session, 'w', dtype, { ...size, rows })
      expect(many.subarray(0, size.outputs), `${rows} rows`).toEqual(one)
    }
  })

  test.each(quantizations)('by %s have the same bits for any number of threads', async (dtype) => {
    for (const layout of ['out_in', 'in_out'] as const) {
      // So many outputs that threads share them out in parts of other sizes when there are more of them.
      const shape = { inputs: 256, outputs: 1280, layout, rows: 3 }
      const results: Float32Array[] = []
      for (const threads of [1, 2, 3]) {
        const session = open(instructionSet, threads)
        await define(session, 'w', dtype, shape)
        results.push(await product(session, 'w', dtype, shape))
      }
      expect(results[1]).toEqual(results[0])
      expect(results[2]).toEqual(results[0])
    }
  })
})
