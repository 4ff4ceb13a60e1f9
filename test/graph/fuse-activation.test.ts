import { describe, expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import { wavyParameters } from './wavy-parameters.js'

const kinds = ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'quick_gelu', 'silu', 'relu', 'tanh', 'sigmoid'] as const
/** Rows by which each way to multiply is taken: streamed, read where they lie, wide and tall. */
const sizes = [
  { rows: 1, depth: 40, columns: 70 },
  { rows: 3, depth: 900, columns: 33 },
  { rows: 13, depth: 410, columns: 70 },
  { rows: 40, depth: 900, columns: 131 },
  { rows: 140, depth: 900, columns: 70 },
] as const
const rank = 3

interface Case {
  readonly size: (typeof sizes)[number]
  readonly kind: (typeof kinds)[number]
  readonly dtype: 'f32' | 'bf16'
  /** Whether the activation is right behind the product, and so becomes a part of it. */
  readonly behind: boolean
  /** Whether what the product gives is asked for too. */
  readonly shown: boolean
}

/** act(x W^T + bias + (x A^T) B^T + addend) */
async function build(session: NativeSession, { size, kind, dtype, behind, shown }: Case) {
  const { rows, depth, columns } = size
  const graph = new (native().Graph)(dtype)
  const shapes = {
    x: [rows, depth],
    w: [columns, depth],
    bias: [columns],
    a: [rank, depth],
    b: [columns, rank],
    addend: [rows, columns],
  }
  const id = await wavyParameters(session, graph, shapes, dtype)
  const [u] = graph.node('linear', 'lora_A', [id('x'), id('a')], {})
  const inputs = [id('x'), id('w'), id('bias'), u!.id, id('b'), id('addend')]
  const [sum] = graph.node('linear', 'up', inputs, { scale: 0.02, low_rank_scale: 0.02 })
  if (!behind) graph.node('scale', 'between', [id('addend')], { factor: 2 })
  const [y] = graph.node('activation', 'act', [sum!.id], { kind })
  graph.output('y', y!.id)
  if (shown) graph.output('sum', sum!.id)
  return session.compile(graph)
}

const hasActivation = (print: string) => print.includes('= activation(')
const cases = native()
  .processor()
  .instructionSets.flatMap((set) =>
    (['f32', 'bf16'] as const).flatMap((dtype) =>
      sizes.map((size) => ({ set, dtype, size, name: Object.values(size).join(' x ') })),
    ),
  )

describe('an activation right behind a product', () => {
  it.each(cases)('gives the bits that it gives by itself: $set, $dtype, $name', async ({ set, dtype, size }) => {
    for (const [i, kind] of kinds.entries()) {
      const shown = i % 2 === 0
      const results = []
      for (const behind of [true, false]) {
        const session = new (native().Session)({ threads: behind ? 2 : 1, instructionSet: set })
        const program = await build(session, { size, kind, dtype, behind, shown })
        expect(hasActivation(program.print())).toBe(!behind)
        results.push(await session.run(program, { sizes: {}, inputs: {} }, { fetch: shown ? ['y', 'sum'] : ['y'] }))
        session.dispose()
      }
      expect(results[0]).toEqual(results[1])
      const y = [...results[0]!.y!].map(Number)
      expect(y.every(Number.isFinite)).toBe(true)
      expect(new Set(y).size).toBeGreaterThan(size.columns / 4)
    }
  })

  it('leaves gradients as they were', async () => {
    const gradients: Float32Array[][] = []
    for (const behind of [true, false]) {
      const session = new (native().Session)({ threads: 2, instructionSet: '' })
      const graph = new (native().Graph)('f32')
      const id = await wavyParameters(session, graph, { x: [9, 24], up: [40, 24], down: [24, 40], dy: [9, 24] })
      const [sum] = graph.node('linear', 'up', [id('x'), id('up')], {})
      const [between] = behind ? [] : graph.node('scale', 'between', [id('x')], { factor: 2 })
      const [after] = graph.node('activation', 'act', [sum!.id], { kind: 'gelu' })
      const [y] = graph.node('linear', 'down', [after!.id, id('down')], {})
      graph.output('y', y!.id)
      if (between !== undefined) graph.output('between', between.id)
      session.setTrainable(['x', 'up', 'down'])
      const program = session.compile(graph, { seeds: { y: 'dy' } })
      await session.run(program, { sizes: {}, inputs: {} }, { fetch: [] })
      gradients.push(await Promise.all(['x', 'up', 'down'].map((name) => session.readGradient(name))))
      session.dispose()
    }
    expect(gradients[0]).toEqual(gradients[1])
    expect(gradients[0]!.every((gradient) => gradient.some((value) => value !== 0))).toBe(true)
  })
})
