/** The caches are written in place, in the rows of the new tokens and nowhere else. */
import { expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { normal } from './numbers.js'

it('writes new keys and values after those that a slot holds', async () => {
  const session = new (native().Session)({ threads: 2, instructionSet: '' })
  const graph = new (native().Graph)('f32')
  const headDim = 8
  const shapes = {
    q: [3, headDim],
    k: [3, headDim],
    v: [3, headDim],
    k_cache: [2, 5, headDim],
    v_cache: [2, 5, headDim],
  }
  const before = new Map<string, Float32Array>()
  const ids: number[] = []
  for (const [name, shape] of Object.entries(shapes)) {
    session.defineParameter(name, shape, 'f32')
    before.set(
      name,
      normal(
        name,
        shape.reduce((product, size) => product * size),
        1,
      ),
    )
    await session.writeParameter(name, before.get(name)!)
    ids.push(graph.parameter(name, shape).id)
  }
  for (const [name, size] of [
    ['cu_seqlens', 3],
    ['slots', 2],
    ['lengths', 2],
  ] as const) {
    ids.push(graph.input(name, [size], 'i32').id)
  }
  graph.output('o', graph.node('cached_attention', 'attention', ids, { heads: 1, head_dim: headDim })[0]!.id)
  const program = session.compile(graph)
  // Two tokens into slot 1 behind the two there, one token into the empty slot 0.
  const inputs = {
    cu_seqlens: Int32Array.of(0, 2, 3),
    slots: Int32Array.of(1, 0),
    lengths: Int32Array.of(2, 0),
  }
  await session.run(program, { sizes: {}, inputs }, { fetch: ['o'] })
  for (const [cache, source] of [
    ['k_cache', 'k'],
    ['v_cache', 'v'],
  ] as const) {
    const expected = before.get(cache)!.slice()
    const rows = before.get(source)!
    expected.set(rows.subarray(0, 2 * headDim), (5 + 2) * headDim)
    expected.set(rows.subarray(2 * headDim), 0)
    expect(await session.readParameter(cache)).toEqual(expected)
  }
  program.dispose()
  session.dispose()
})
