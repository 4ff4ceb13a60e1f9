/** Floating-point operations as the op table counts them. */
import { afterAll, describe, expect, it } from 'vitest'
import { native, type NativeAttributes, type NativeBatch, type NativeGraph, type NativeWork } from '../../lib/native.js'

const session = new (native().Session)({ threads: 1, instructionSet: '' })
afterAll(() => session.dispose())

function workOf(
  build: (graph: NativeGraph) => number,
  batch: NativeBatch,
  trained: Record<string, readonly number[]> = {},
): NativeWork {
  const graph = new (native().Graph)('f32')
  graph.output('y', build(graph))
  for (const [name, shape] of Object.entries(trained)) session.defineParameter(name, shape, 'f32')
  try {
    return session.compile(graph).work(batch)
  } finally {
    for (const name of Object.keys(trained)) session.removeParameter(name)
  }
}

const node = (graph: NativeGraph, op: string, inputs: number[], attributes: NativeAttributes = {}): number =>
  graph.node(op, op, inputs, attributes)[0]!.id

it('every op has a rule', () => {
  expect(
    native()
      .ops()
      .filter(({ counted }) => !counted),
  ).toEqual([])
})

describe('a matrix product', () => {
  it('is two operations for each multiply-add, exactly', () => {
    const shapes = { w: [10, 48], bias: [10] }
    const work = workOf(
      (g) =>
        node(g, 'linear', [
          g.input('x', ['tokens', 48], 'f32').id,
          g.parameter('w', [10, 48]).id,
          g.parameter('bias', [10]).id,
        ]),
      { sizes: { tokens: 7 }, inputs: {} },
      shapes,
    )
    expect(work).toEqual({ products: 2 * 7 * 48 * 10, attention: 0, elements: 70, total: 2 * 7 * 48 * 10 + 70 })
  })

  it('counts its low-rank part', () => {
    const work = workOf(
      (g) => {
        const x = g.input('x', ['tokens', 48], 'f32').id
        const u = node(g, 'linear', [x, g.parameter('a', [4, 48]).id])
        return node(g, 'linear', [x, g.parameter('w', [10, 48]).id, -1, u, g.parameter('b', [10, 4]).id])
      },
      { sizes: { tokens: 7 }, inputs: {} },
      { w: [10, 48], a: [4, 48], b: [10, 4] },
    )
    expect(work.products).toBe(2 * 7 * (48 * 10 + 48 * 4 + 4 * 10))
  })

  it('takes three products in training, two where the weight is frozen, one where nothing below is trained', () => {
    const graph = new (native().Graph)('f32')
    const x = graph.input('x', ['tokens', 8], 'f32').id
    const h = node(graph, 'linear', [x, graph.parameter('w1', [6, 8]).id])
    const y = node(graph, 'linear', [h, graph.parameter('w2', [4, 6]).id])
    const loss = graph.node(
      'mean_squared_error',
      'loss',
      [y, graph.input('targets', ['tokens', 4], 'f32').id, graph.input('loss_scale', [1], 'f32').id],
      {},
    )[0]!.id
    graph.output('loss', loss)
    session.defineParameter('w1', [6, 8], 'f32')
    session.defineParameter('w2', [4, 6], 'f32')
    const products = (names: string[]): number => {
      session.setTrainable(names)
      return session.compile(graph, { loss: 'loss' }).work({ sizes: { tokens: 5 }, inputs: {} }).products
    }
    const [first, second] = [2 * 5 * 8 * 6, 2 * 5 * 6 * 4]
    // Nothing asks for the gradient of the input.
    expect(products(['w1', 'w2'])).toBe(2 * first + 3 * second)
    expect(products(['w1'])).toBe(2 * first + 2 * second)
    expect(products(['w2'])).toBe(first + 2 * second)
    session.setTrainable([])
    session.removeParameter('w1')
    session.removeParameter('w2')
  })
})

it('is told by node too, with the bytes that each moves', () => {
  const graph = new (native().Graph)('bf16')
  session.defineParameter('w', [6, 8], 'bf16')
  const h = node(graph, 'rms_norm', [graph.parameter('x', [5, 8]).id, graph.parameter('g', [8]).id])
  graph.output('y', node(graph, 'linear', [h, graph.parameter('w', [6, 8]).id]))
  session.defineParameter('x', [5, 8], 'bf16')
  session.defineParameter('g', [8], 'bf16')
  const program = session.compile(graph)
  const costs = program.costs({ sizes: {}, inputs: {} })
  for (const name of ['x', 'g', 'w']) session.removeParameter(name)
  expect(costs.map(({ op, path, bytes }) => ({ op, path, bytes }))).toEqual([
    // What it keeps for the backward pass is float32.
    { op: 'rms_norm', path: 'rms_norm', bytes: 2 * (2 * 5 * 8 + 8) + 4 * 5 },
    { op: 'linear', path: 'linear', bytes: 2 * (5 * 8 + 6 * 8 + 5 * 6) },
  ])
  const total = costs.reduce((sum, cost) => sum + cost.total, 0)
  expect(program.work({ sizes: {}, inputs: {} }).total).toBe(total)
  expect(costs[1]).toMatchObject({ products: 2 * 5 * 8 * 6, attention: 0 })
})

describe('attention', () => {
  const heads = 4
  const headDim = 6
  const lengths = [5, 1, 8]
  const starts = Int32Array.of(0, 5, 6, 14)
  const pairs = (sees: (i: number, j: number) => boolean): number =>
    lengths.reduce((sum, n) => {
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (sees(i, j)) sum++
      return sum
    }, 0)
  const attention = (
    attributes: NativeAttributes,
    inputs: NativeBatch['inputs'] = { cu_seqlens: starts },
  ): NativeWork =>
    workOf(
      (g) => {
        const [q, k, v] = ['q', 'k', 'v'].map((name) => g.input(name, ['tokens', heads * headDim], 'f32').id) as [
          number,
          number,
          number,
        ]
        const cu = g.input('cu_seqlens', ['sequences+1'], 'i32').id
        return node(g, 'attention', [q, k, v, cu], { heads, head_dim: headDim, ...attributes })
      },
      { sizes: { tokens: 14, sequences: 3 }, inputs },
    )
  const products = (count: number): number => 2 * 2 * headDim * heads * count

  it('is over the pairs that see each other', () => {
    expect(attention({ causal: true }).attention).toBe(products(pairs((i, j) => j <= i)))
    expect(attention({ causal: false }).attention).toBe(products(pairs(() => true)))
    expect(attention({ causal: true, window: 3 }).attention).toBe(products(pairs((i, j) => j <= i && j > i - 3)))
    expect(attention({ causal: false, window: 3 }).attention).toBe(products(pairs((i, j) => Math.abs(i - j) < 3)))
  })

  it('is over the pairs of some rows where these are the queries', () => {
    const rows = Int32Array.of(2, 4, 5, 12)
    const ofRows = (attributes: NativeAttributes, inputs: NativeBatch['inputs']) =>
      workOf(
        (g) => {
          const [q, k, v] = (['rows', 'tokens', 'tokens'] as const).map(
            (size, i) => g.input(`x${i}`, [size, heads * headDim], 'f32').id,
          ) as [number, number, number]
          const cu = g.input('cu_seqlens', ['sequences+1'], 'i32').id
          const queries = g.input('rows', ['rows'], 'i32').id
          return node(g, 'attention', [q, k, v, cu, -1, -1, queries], { heads, head_dim: headDim, ...attributes })
        },
        { sizes: { tokens: 14, sequences: 3, rows: 4 }, inputs },
      ).attention
    const known = { cu_seqlens: starts, rows }
    expect(ofRows({ causal: true }, known)).toBe(products(3 + 5 + 1 + 7))
    expect(ofRows({ causal: false }, known)).toBe(products(5 + 5 + 1 + 8))
    expect(ofRows({ causal: true, window: 3 }, known)).toBe(products(3 + 3 + 1 + 3))
    // Four of fourteen, where it is not known which.
    expect(ofRows({ causal: false }, { cu_seqlens: starts })).toBeCloseTo(products((25 + 1 + 64) * (4 / 14)), 3)
  })

  it('takes sequences to be equally long where it is not told', () => {
    const n = [5, 5, 4]
    expect(attention({ causal: false }, {}).attention).toBe(products(n.reduce((sum, length) => sum + length ** 2, 0)))
  })

  it('refuses starts of another length', () => {
    expect(() => attention({}, { cu_seqlens: Int32Array.of(0, 14) })).toThrow(/cu_seqlens/)
  })
})

it('copies are no operations', () => {
  const work = workOf(
    (g) => node(g, 'gather_rows', [g.input('x', ['tokens', 8], 'f32').id, g.input('rows', ['rows'], 'i32').id]),
    { sizes: { tokens: 9, rows: 3 }, inputs: {} },
  )
  expect(work.total).toBe(0)
})
