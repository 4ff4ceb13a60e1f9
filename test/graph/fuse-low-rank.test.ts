import { afterAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'

const [tokens, width, wide, rank] = [5, 8, 320, 4]

const session = new (native().Session)({ threads: 2, instructionSet: '' })
afterAll(() => {
  session.dispose()
})

const numbers = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1 + step * i))
const values = {
  x: numbers(tokens * width, 0.7),
  w: numbers(wide * width, 0.3),
  a: numbers(rank * width, 1.1),
  b: numbers(wide * rank, 0.9),
  dy: numbers(tokens * wide, 0.5),
}

/** y = x W^T + 0.5 (x A^T) B^T, as a LoRA module is. */
async function lowRankProgram() {
  const graph = new (native().Graph)('f32')
  const shapes = { x: [tokens, width], w: [wide, width], a: [rank, width], b: [wide, rank], dy: [tokens, wide] }
  const ids: Record<string, number> = {}
  for (const [name, shape] of Object.entries(shapes)) {
    session.defineParameter(name, shape, 'f32')
    await session.writeParameter(name, values[name as keyof typeof values])
    ids[name] = graph.parameter(name, shape).id
  }
  const { x, w, a, b } = ids as { x: number; w: number; a: number; b: number }
  // So that dx is an activation's gradient and not a parameter's own buffer.
  const [h] = graph.node('scale', 'input', [x], { factor: 1 })
  const [u] = graph.node('linear', 'lora_A', [h!.id, a], {})
  const [y] = graph.node('linear', 'base', [h!.id, w, -1, u!.id, b], { low_rank_scale: 0.5 })
  graph.output('y', y!.id)
  session.setTrainable(['x'])
  return session.compile(graph, { seeds: { y: 'dy' } })
}

/** dx = dy W + 0.5 (dy B) A, in float64. */
function expected(): number[] {
  const at = (data: Float32Array, row: number, column: number, columns: number) => data[row * columns + column] ?? NaN
  const sum = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i)).reduce((s, v) => s + v, 0) // prettier-ignore
  const du = (t: number, r: number) => 0.5 * sum(wide, (n) => at(values.dy, t, n, wide) * at(values.b, n, r, rank))
  return Array.from({ length: tokens * width }, (_, i) => {
    const [t, k] = [Math.floor(i / width), i % width]
    const base = sum(wide, (n) => at(values.dy, t, n, wide) * at(values.w, n, k, width))
    return base + sum(rank, (r) => du(t, r) * at(values.a, r, k, width))
  })
}

describe('the gradient of what a LoRA module reads', () => {
  it('is one product of base and adapter, and the same numbers', async () => {
    const program = await lowRankProgram()
    const lines = program.print().trim().split('\n')
    // Forward u and y, backward du and dx: the base's share of dx has no node of its own.
    expect(lines.filter((line) => line.includes('= linear(')).map((line) => line.split('# ')[1])).toEqual([
      'lora_A',
      'base',
      'base',
      'lora_A',
    ])
    const last = lines.filter((line) => line.includes('= linear(')).at(-1)
    expect(last).toContain('dy f32')
    expect(last).toContain('a f32')
    await session.run(program, { sizes: {}, inputs: {} }, { fetch: [] })
    const gradient = await session.readGradient('x')
    expected().forEach((value, i) => {
      expect(gradient[i]).toBeCloseTo(value, 3)
    })
    program.dispose()
  })
})
