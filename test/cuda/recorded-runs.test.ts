/** A run that comes again is recorded and launched as one CUDA graph: it must go on computing with what is in memory now. */
import { afterAll, expect, test } from 'vitest'
import { native } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { describeCuda } from './describe-cuda.js'
import { CublasLtTrace, standIn } from './emulated-cublaslt.js'

const trace = new CublasLtTrace()
afterAll(() => trace.dispose())

describeCuda(() => {
  test('runs that come again see new inputs, new weights and memory that moved', async () => {
    const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
    try {
      session.defineParameter('w', [4], 'f32')
      const graph = new (native().Graph)('f32')
      const x = graph.input('x', ['rows'], 'f32')
      graph.output('x', x.id)
      const w = graph.parameter('w', [4])
      graph.output('y', graph.node('add', 'sum', [w.id, w.id], {})[0]!.id)
      const program = session.compile(graph)
      const run = async (rows: number, value: number) => {
        const inputs = { x: new Float32Array(rows).fill(value) }
        const { x: given, y } = await session.run(program, { sizes: { rows }, inputs }, { fetch: ['x', 'y'] })
        return [given![rows - 1], y![3]]
      }
      for (let i = 0; i < 5; i++) {
        await session.writeParameter('w', new Float32Array(4).fill(i))
        expect(await run(8, 10 * i)).toEqual([10 * i, 2 * i])
      }
      // The arena grows, and with it everything has another address.
      expect(await run(1 << 20, 7)).toEqual([7, 8])
      for (let i = 0; i < 3; i++) expect(await run(8, i)).toEqual([i, 8])
    } finally {
      session.dispose()
    }
  })

  test('runs that fetch something else compute something else', async () => {
    const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
    try {
      const graph = new (native().Graph)('f32')
      const x = graph.input('x', [8], 'f32').id
      const y = graph.input('y', [8], 'f32').id
      graph.output('a', graph.node('scale', 'a', [x], { factor: 2 })[0]!.id)
      graph.output('b', graph.node('add', 'b', [x, y], {})[0]!.id)
      const program = session.compile(graph)
      const filled = (value: number) => new Float32Array(8).fill(value)
      for (let i = 1; i <= 5; i++) {
        const { a } = await session.run(program, { sizes: {}, inputs: { x: filled(i) } }, { fetch: ['a'] })
        expect(a).toEqual(filled(2 * i))
        const inputs = { x: filled(i), y: filled(10 * i) }
        const { b } = await session.run(program, { sizes: {}, inputs }, { fetch: ['b'] })
        expect(b).toEqual(filled(11 * i))
      }
    } finally {
      session.dispose()
    }
  })

  test('so do products by cuBLASLt, which a recording has among its kernels', async () => {
    const session = openSession({ device: 'cuda', threads: 1, instructionSet: '' })
    try {
      const [rows, depth, columns] = [24, 16, 8]
      session.defineParameter('x', [rows, depth], 'bf16')
      session.defineParameter('w', [columns, depth], 'bf16')
      const graph = new (native().Graph)('bf16')
      const ids = [graph.parameter('x', [rows, depth]).id, graph.parameter('w', [columns, depth]).id, -1, -1, -1, -1]
      graph.output('y', graph.node('linear', 'y', ids, { layout: 'out_in', scale: 0.5 })[0]!.id)
      const program = session.compile(graph)
      for (let i = 1; i <= 5; i++) {
        await session.writeParameter('x', new Float32Array(rows * depth).fill(2 * i))
        await session.writeParameter('w', new Float32Array(columns * depth).fill(i))
        const { y } = await session.run(program, { sizes: {}, inputs: {} }, { fetch: ['y'] })
        expect(new Set(y)).toEqual(new Set([depth * i * i]))
        if (standIn() !== undefined) expect(trace.take()).toHaveLength(1)
      }
    } finally {
      session.dispose()
    }
  })
})
