/** The memory of a run's values: it grows with the batch, and its pages move to where there is room for more. */
import { afterAll, expect, test } from 'vitest'
import { native } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'

const session = openSession({ device: 'cpu', threads: 2, instructionSet: '' })
afterAll(() => session.dispose())

const width = 64

/** 2 x + x, of rows that differ. */
function program() {
  const graph = new (native().Graph)('f32')
  const x = graph.input('x', ['tokens', width], 'f32').id
  const twice = graph.node('scale', 'twice', [x], { factor: 2 })[0]!.id
  graph.output('y', graph.node('add', 'sum', [twice, x], {})[0]!.id)
  return session.compile(graph)
}

// A huge page has 8,192 rows: the arena begins below one, passes it, and grows by less than one, by several and not at all.
test('batches of growing sizes compute what each of them would alone', async () => {
  const compiled = program()
  let most = 0
  for (const tokens of [100, 3_000, 20_000, 21_000, 60_000, 20_000, 60_001]) {
    const x = Float32Array.from({ length: tokens * width }, (_, i) => (i % 1009) - 500)
    const { y } = await session.run(compiled, { sizes: { tokens }, inputs: { x } }, { fetch: ['y'] })
    const wrong = x.findIndex((value, i) => y![i] !== 3 * value)
    expect({ tokens, wrong, length: y!.length }).toEqual({ tokens, wrong: -1, length: tokens * width })
    most = Math.max(most, compiled.arenaBytes({ tokens }))
    expect(session.memory().activations).toBe(most)
  }
})
