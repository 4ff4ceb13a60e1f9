/** Of a run's nodes those that lead to what is fetched, and those that keep something, and no others. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { native, type NativeProgram } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'

const session = openSession({ device: 'cpu', threads: 1, instructionSet: '' })
let program: NativeProgram

beforeAll(() => {
  const graph = new (native().Graph)('f32')
  const x = graph.input('x', [2, 8], 'f32').id
  const y = graph.input('y', [2, 8], 'f32').id
  const bounds = graph.input('cu_seqlens', ['sequences+1'], 'i32').id
  const slots = graph.input('slots', ['sequences'], 'i32').id
  const lengths = graph.input('lengths', ['sequences'], 'i32').id
  const caches = [graph.state('k', [2, 4, 8]).id, graph.state('v', [2, 4, 8]).id]
  const node = (op: string, path: string, inputs: number[], attributes = {}) =>
    graph.node(op, path, inputs, attributes)[0]!.id
  const shared = node('add', 'shared', [x, x])
  graph.output(
    'kept',
    node('cached_attention', 'kept', [shared, x, x, ...caches, bounds, slots, lengths], { heads: 1, head_dim: 8 }),
  )
  graph.output('shared', shared)
  graph.output('first', node('scale', 'first', [shared], { factor: 10 }))
  graph.output('second', node('add', 'second', [node('scale', 'alone', [y], { factor: -1 }), shared]))
  program = session.compile(graph)
})
afterAll(() => session.dispose())

const always = {
  x: new Float32Array(16).fill(1),
  cu_seqlens: Int32Array.of(0, 2),
  slots: Int32Array.of(0),
  lengths: Int32Array.of(0),
}
const all = { ...always, y: new Float32Array(16).fill(3) }

async function pathsOf(inputs: typeof always, fetch: string[]): Promise<string[]> {
  await session.startProfile()
  await session.run(program, { sizes: { sequences: 1 }, inputs }, { fetch })
  return (await session.takeProfile()).map(({ path }) => path)
}

test.each([
  [['shared'], ['shared', 'kept']],
  [['first'], ['shared', 'kept', 'first']],
  [['second'], ['shared', 'kept', 'alone', 'second']],
  [
    ['second', 'first'],
    ['shared', 'kept', 'first', 'alone', 'second'],
  ],
  [[], ['shared', 'kept', 'first', 'alone', 'second']],
])('for %j', async (fetch, paths) => {
  expect(await pathsOf(all, fetch)).toEqual(paths)
})

test('an input that nothing reads need not be given', async () => {
  expect(await pathsOf(always, ['first'])).toEqual(['shared', 'kept', 'first'])
  const run = (fetch: string[]) => session.run(program, { sizes: { sequences: 1 }, inputs: always }, { fetch })
  const missing = { code: 'invalid-batch', where: 'y' }
  await expect(run(['second'])).rejects.toMatchObject(missing)
  await expect(run([])).rejects.toMatchObject(missing)
})

test('runs of the same sizes take turns', async () => {
  const run = (fetch: string[], inputs: typeof always = all) =>
    session.run(program, { sizes: { sequences: 1 }, inputs }, { fetch })
  for (let i = 0; i < 3; i++) {
    expect((await run(['first'], always)).first).toEqual(new Float32Array(16).fill(20))
    expect((await run(['second'])).second).toEqual(new Float32Array(16).fill(-1))
  }
  await expect(run(['third'])).rejects.toMatchObject({ code: 'missing-input', where: 'third' })
})

test('a program that differentiates computes everything', async () => {
  const graph = new (native().Graph)('f32')
  session.defineParameter('w', [2, 3], 'f32')
  session.setTrainable(['w'])
  const logits = graph.parameter('w', [2, 3]).id
  const ids = [logits, graph.input('labels', [2], 'i32').id, graph.input('loss_scale', [1], 'f32').id]
  const loss = graph.node('cross_entropy', 'loss', ids, {})
  graph.output('loss', loss[0]!.id)
  graph.output('aside', graph.node('scale', 'aside', [logits], { factor: 2 })[0]!.id)
  const training = session.compile(graph, { loss: 'loss' })
  const inputs = { labels: Int32Array.of(0, 2), loss_scale: Float32Array.of(1) }
  await session.startProfile()
  await session.run(training, { sizes: {}, inputs }, { fetch: ['loss'] })
  expect((await session.takeProfile()).map(({ path }) => path)).toContain('aside')
  expect(await session.readGradient('w')).not.toEqual(new Float32Array(6))
})
