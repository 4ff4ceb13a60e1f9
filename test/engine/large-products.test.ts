/**
 * Matrix products that are cut into blocks of rows and of columns, into slabs and blocks of depth: sums of float64 at places drawn among all, and the
 * same bits from any number of threads. Products of few rows: the bits of a row are those that it has alone.
 */
import { describe, expect, test } from 'vitest'
import { native, type NativeArray } from '../../lib/native.js'

interface Product {
  readonly name: string
  readonly rows: number
  readonly depth: number
  readonly columns: number
}

const products: readonly Product[] = [
  { name: 'more rows than columns, slabs of depth', rows: 130, depth: 4100, columns: 120 },
  { name: 'more columns than rows, slabs of depth', rows: 120, depth: 4100, columns: 131 },
  { name: 'more columns than rows, deeper than bfloat16 sums are kept for', rows: 120, depth: 13_200, columns: 121 },
  { name: 'blocks of columns', rows: 830, depth: 410, columns: 800 },
  { name: 'blocks of rows', rows: 4131, depth: 410, columns: 70 },
  { name: 'blocks of rows, slabs of depth', rows: 4100, depth: 800, columns: 530 },
  { name: 'few rows of a long depth', rows: 7, depth: 5000, columns: 325 },
  { name: 'few columns of a long depth', rows: 325, depth: 5000, columns: 7 },
]
/** The two layouts of a weight, and the gradient of a weight, whose rows are as deep as there are tokens. */
const kinds = ['out_in', 'in_out', 'weight_gradient'] as const
type Kind = (typeof kinds)[number]

/** One of 129 sixty-fourths, which bfloat16 holds as they are. */
const value = (i: number, seed: number) => ((Math.imul(i + seed, 0x9e3779b1) >>> 12) % 129) / 64 - 1
/** Not Float32Array.from: it takes seconds for all of these. */
function values(count: number, seed: number) {
  const array = new Float32Array(count)
  for (let i = 0; i < count; ++i) array[i] = value(i, seed)
  return array
}

async function multiply(
  { rows, depth, columns }: Product,
  kind: Kind,
  dtype: 'f32' | 'bf16',
  instructionSet: string,
  threads: number,
): Promise<NativeArray> {
  const session = new (native().Session)({ threads, instructionSet })
  try {
    const graph = new (native().Graph)(dtype)
    const parameter = async (name: string, shape: readonly [number, number], seed: number) => {
      session.defineParameter(name, shape, dtype)
      await session.writeParameter(name, values(shape[0] * shape[1], seed))
      return graph.parameter(name, shape).id
    }
    const gradient = kind === 'weight_gradient'
    const a = await parameter('a', gradient ? [depth, rows] : [rows, depth], 1)
    const b = await parameter('b', kind === 'out_in' ? [columns, depth] : [depth, columns], 2)
    const product = graph.node(gradient ? 'linear_weight_gradient' : 'linear', 'product', [a, b], {
      layout: gradient ? 'in_out' : kind,
    })
    graph.output('c', product[0]!.id)
    const { c } = await session.run(session.compile(graph), { sizes: {}, inputs: {} }, { fetch: ['c'] })
    return c!
  } finally {
    session.dispose()
  }
}

/** Numbers whose sums are rounded, so that another order gives other bits. */
const roughValues = (count: number, seed: number) =>
  values(count, seed).map((each, i) => each * (1 + ((i * 37) % 101) / 83))

/** The bytes of x W^T, x of the first `rows` of the same rows. */
async function multiplyRows(
  rows: number,
  depth: number,
  columns: number,
  dtype: 'f32' | 'bf16',
  instructionSet: string,
) {
  const session = new (native().Session)({ threads: 2, instructionSet })
  try {
    const graph = new (native().Graph)(dtype)
    const ids: number[] = []
    for (const [name, count, seed] of [
      ['x', rows, 1],
      ['w', columns, 2],
    ] as const) {
      session.defineParameter(name, [count, depth], dtype)
      await session.writeParameter(name, roughValues(count * depth, seed))
      ids.push(graph.parameter(name, [count, depth]).id)
    }
    graph.output('c', graph.node('linear', 'product', ids, { layout: 'out_in' })[0]!.id)
    const { c } = await session.run(session.compile(graph), { sizes: {}, inputs: {} }, { fetch: ['c'] })
    return Buffer.from(c!.buffer, c!.byteOffset, c!.byteLength)
  } finally {
    session.dispose()
  }
}

/** Some places of C: every stride-th, the corners among them. */
function* places({ rows, columns }: Product) {
  const last = rows * columns - 1
  const stride = 1 + Math.floor(last / 100)
  for (let place = 0; place < last; place += stride) yield place
  yield last
}

describe.each(native().processor().instructionSets)('on %s', (instructionSet) => {
  describe.each(['f32', 'bf16'] as const)('in %s', (dtype) => {
    test.each([77, 640, 1001])('a row of depth %i has the bits that it has alone', async (depth) => {
      const columns = 270
      const all = await multiplyRows(16, depth, columns, dtype, instructionSet)
      const bytes = all.byteLength / 16
      for (const rows of [1, 2, 3, 4, 5, 8, 11]) {
        const some = await multiplyRows(rows, depth, columns, dtype, instructionSet)
        expect(some.byteLength).toBe(rows * bytes)
        expect(some.compare(all, 0, rows * bytes), `${rows} rows`).toBe(0)
      }
    })
    describe.each(kinds)('%s', (kind) => {
      test.each(products)('$name', async (product) => {
        const { rows, depth, columns } = product
        const c = await multiply(product, kind, dtype, instructionSet, 1)
        for (const place of places(product)) {
          const [row, column] = [Math.floor(place / columns), place % columns]
          let [sum, size] = [0, 0]
          for (let k = 0; k < depth; ++k) {
            const a = value(kind === 'weight_gradient' ? k * rows + row : row * depth + k, 1)
            const term = a * value(kind === 'out_in' ? column * depth + k : k * columns + column, 2)
            sum += term
            size += Math.abs(term)
          }
          const rounding = dtype === 'bf16' ? 2 ** -8 * Math.abs(sum) : 0
          if (!(Math.abs(c[place]! - sum) <= 2 ** -20 * size + rounding))
            expect([place, c[place]]).toEqual([place, sum])
        }
        const threaded = await multiply(product, kind, dtype, instructionSet, 3)
        expect(Buffer.from(threaded.buffer).compare(Buffer.from(c.buffer))).toBe(0)
        expect(c.some((value) => value !== 0)).toBe(true)
      })
    })
  })
})
