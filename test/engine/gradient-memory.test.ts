/** Where gradients are: of a step of one batch among the activations, of several batches and of a run in memory of their own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { native, type NativeBatch, type NativeOptimizer, type NativeProgram } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { describeCuda } from '../cuda/describe-cuda.js'
import { normal } from '../ops/numbers.js'

const rows = 40
const width = 32
const layers = 4
const layerNames = Array.from({ length: layers }, (_, i) => `layer ${i}`)
/** Nothing reads it. */
const unread = 'unread'
const names = [...layerNames, unread]
const gradientBytes = 4 * width * width * names.length

interface Fixture {
  readonly session: ReturnType<typeof openSession>
  readonly program: NativeProgram
  readonly optimizer: NativeOptimizer
}

/** Layers with a GELU between, the last of them the first again: two products make its gradient. */
async function open(device: 'cpu' | 'cuda'): Promise<Fixture> {
  const session = openSession({ device, threads: 2, instructionSet: '' })
  const graph = new (native().Graph)('f32')
  for (const name of names) {
    session.defineParameter(name, [width, width], 'f32')
    await session.writeParameter(name, normal(name, width * width, 0.3))
  }
  let x = graph.input('x', ['tokens', width], 'f32').id
  for (const name of [...layerNames, 'layer 0']) {
    const made = graph.node('linear', name, [x, graph.parameter(name, [width, width]).id], {})[0]!.id
    x = graph.node('activation', `${name} activation`, [made], { kind: 'gelu' })[0]!.id
  }
  const targets = graph.input('targets', ['tokens', width], 'f32').id
  const scale = graph.input('loss_scale', [1], 'f32').id
  graph.output('loss', graph.node('mean_squared_error', 'loss', [x, targets, scale], {})[0]!.id)
  session.setTrainable(names)
  const program = session.compile(graph, { loss: 'loss' })
  const groups = [{ parameters: names, betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0.1 }]
  return { session, program, optimizer: session.createOptimizer(groups) }
}

function batchOf(tokens: number): NativeBatch {
  const x = normal(`x ${tokens}`, tokens * width, 1)
  const targets = normal(`targets ${tokens}`, tokens * width, 1)
  return { sizes: { tokens }, inputs: { x, targets, loss_scale: Float32Array.of(1 / targets.length) } }
}

const batch = batchOf(rows)

function step({ session, program, optimizer }: Fixture, batches: readonly NativeBatch[], draw = 0) {
  return session.step({
    program,
    batches,
    optimizer,
    learningRates: [0.01],
    maxGradNorm: 1,
    random: { seed: 0, draw },
  })
}

async function readAll(read: (name: string) => Promise<Float32Array>): Promise<Float32Array[]> {
  return Promise.all(names.map((name) => read(name)))
}

function describeOn(device: 'cpu' | 'cuda'): void {
  let fixture: Fixture
  beforeEach(async () => {
    fixture = await open(device)
  })
  afterEach(() => fixture.session.dispose())

  test('a step takes the memory that was planned: of one batch less than of several', async () => {
    const { session, program } = fixture
    const one = program.stepBytes({ tokens: rows }, false)
    const several = program.stepBytes({ tokens: rows }, true)
    expect([one.gradients, several.gradients]).toEqual([gradientBytes, gradientBytes])
    expect(several.activations).toBe(program.arenaBytes({ tokens: rows }))
    // All but what is needed when the backward pass begins.
    expect(several.activations - one.activations).toBeGreaterThan(gradientBytes / 2)
    await step(fixture, [batch])
    expect(session.memory()).toMatchObject(one)
    await step(fixture, [batch, batch], 1)
    expect(session.memory()).toMatchObject(several)
    // The last step of an epoch may have one.
    await step(fixture, [batch], 3)
    expect(session.memory()).toMatchObject(several)
  })

  test('gradients, norm and weights have the same bits in either place', async () => {
    const runs = []
    for (const keeps of [false, true]) {
      const { session, program, optimizer } = await open(device)
      const results = []
      for (let i = 0; i < 3; i++) {
        // A run has memory made, which steps use then.
        if (keeps) await session.run(program, batch, { fetch: ['loss'] })
        const { loss, gradNorm } = await step({ session, program, optimizer }, [i === 1 ? batchOf(rows + 3) : batch], i)
        results.push({ loss, gradNorm, gradients: await readAll((name) => session.readGradient(name)) })
      }
      runs.push({ results, weights: await readAll((name) => session.readParameter(name)) })
      session.dispose()
    }
    expect(runs[0]).toEqual(runs[1])
  })

  test('what the graph does not reach has a gradient of zero, and decays', async () => {
    const { session } = fixture
    const before = await session.readParameter(unread)
    for (let i = 0; i < 2; i++) {
      await step(fixture, [batch], i)
      expect(await session.readGradient(unread)).toEqual(new Float32Array(width * width))
    }
    const after = await session.readParameter(unread)
    const decay = 1 - 0.01 * 0.1
    after.forEach((value, i) => expect(value).toBeCloseTo(before[i]! * decay * decay, 6))
  })

  test('gradients of two batches are the sum of both', async () => {
    const { session, program } = fixture
    const other = batchOf(rows / 2)
    const sums = names.map(() => new Float64Array(width * width))
    for (const each of [batch, other]) {
      await session.run(program, each, { fetch: ['loss'] })
      const gradients = await readAll((name) => session.readGradient(name))
      gradients.forEach((gradient, i) => gradient.forEach((value, at) => (sums[i]![at]! += value)))
    }
    await session.releaseGradients()
    await step(fixture, [batch, other])
    const gradients = await readAll((name) => session.readGradient(name))
    gradients.forEach((gradient, i) => gradient.forEach((value, at) => expect(value).toBeCloseTo(sums[i]![at]!, 6)))
  })

  test('memory of a run’s gradients is given back when asked, and then nothing can be read of them', async () => {
    const { session, program } = fixture
    await session.run(program, batch, { fetch: ['loss'] })
    expect(session.memory().gradients).toBe(gradientBytes)
    await session.releaseGradients()
    expect(session.memory().gradients).toBe(0)
    await expect(session.readGradient('layer 1')).rejects.toMatchObject({ code: 'no-match', where: 'layer 1' })
    const planned = program.stepBytes({ tokens: rows }, false)
    await step(fixture, [batch])
    expect(session.memory()).toMatchObject(planned)
  })

  test('before a backward pass, and after another program ran, there is no gradient to read', async () => {
    const { session } = fixture
    const none = { code: 'no-match', where: 'layer 0' }
    await expect(session.readGradient('layer 0')).rejects.toMatchObject(none)
    await step(fixture, [batch])
    const graph = new (native().Graph)('f32')
    const x = graph.input('x', [2, width], 'f32').id
    graph.output('y', graph.node('add', 'y', [x, x], {})[0]!.id)
    const forward = session.compile(graph)
    await session.run(forward, { sizes: {}, inputs: { x: new Float32Array(2 * width) } }, { fetch: ['y'] })
    await expect(session.readGradient('layer 0')).rejects.toMatchObject(none)
  })
}

describe('on the processor', () => describeOn('cpu'))
describeCuda(() => describeOn('cuda'))

test('a program that was compiled before a parameter was trained is not stepped with an optimizer that has it', async () => {
  const { session, optimizer } = await open('cpu')
  session.setTrainable(layerNames)
  const graph = new (native().Graph)('f32')
  const x = graph.parameter('layer 0', [width, width]).id
  const inputs = [x, graph.input('targets', [width, width], 'f32').id, graph.input('loss_scale', [1], 'f32').id]
  graph.output('loss', graph.node('mean_squared_error', 'loss', inputs, {})[0]!.id)
  const program = session.compile(graph, { loss: 'loss' })
  const values = { targets: new Float32Array(width * width), loss_scale: Float32Array.of(1) }
  await expect(step({ session, program, optimizer }, [{ sizes: {}, inputs: values }])).rejects.toMatchObject({
    code: 'invalid-option',
    where: unread,
  })
  session.dispose()
})

test('a step needs a batch', async () => {
  const fixture = await open('cpu')
  expect(() => step(fixture, [])).toThrow('A step needs one batch at least.')
  fixture.session.dispose()
})
