/** Gradients through several nodes: residual sums fused into the norms and matrix products, shared weights, frozen parts. */
import { afterAll, describe, expect, it } from 'vitest'
import { native, type NativeAttributes, type NativeGraph, type NativeSession } from '../../lib/native.js'
import { elements, normal } from './numbers.js'
import { expectClose } from './tolerance.js'

interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Writes the same expression as a graph and as float64 numbers. */
interface Algebra<Value> {
  parameter(name: string, shape: readonly number[]): Value
  integers(name: string, data: readonly number[], below: number): Value
  node(op: string, inputs: readonly (Value | null)[], attributes?: NativeAttributes): Value
}
type Expression = <Value>(algebra: Algebra<Value>) => Value

const values = (name: string, shape: readonly number[]) => normal(name, elements(shape), 0.5)

function graphAlgebra(
  graph: NativeGraph,
  shapes: Map<string, readonly number[]>,
  inputs: Record<string, Int32Array>,
): Algebra<number> {
  return {
    parameter: (name, shape) => {
      shapes.set(name, shape)
      return graph.parameter(name, shape).id
    },
    integers: (name, data, below) => {
      inputs[name] = Int32Array.from(data)
      return graph.input(name, [data.length], 'i32', below).id
    },
    node: (op, inputs, attributes = {}) =>
      graph.node(
        op,
        op,
        inputs.map((input) => input ?? -1),
        attributes,
      )[0]!.id,
  }
}

function referenceAlgebra(moved: ReadonlyMap<string, Float64Array>): Algebra<Tensor> {
  return {
    parameter: (name, shape) => ({ shape, data: moved.get(name)! }),
    integers: (_, data) => ({ shape: [data.length], data: Float64Array.from(data) }),
    node: (op, inputs, attributes = {}) => native().reference(op, attributes, inputs)[0]!,
  }
}

const session: NativeSession = new (native().Session)({ threads: 2, instructionSet: '' })
afterAll(() => session.dispose())

/** Runs the expression with gradients for `trainable` and returns them beside central differences. */
async function gradientsOf(expression: Expression, trainable: readonly string[], options: { runs?: number } = {}) {
  const graph = new (native().Graph)('f32')
  const shapes = new Map<string, readonly number[]>()
  const inputs: Record<string, Int32Array> = {}
  const root = expression(graphAlgebra(graph, shapes, inputs))
  graph.output('y', root)
  const moved = new Map([...shapes].map(([name, shape]) => [name, Float64Array.from(values(name, shape))]))
  const evaluate = () => expression(referenceAlgebra(moved))
  const output = evaluate()
  const seed = values('seed', output.shape)
  const names = [...shapes.keys(), 'seed']
  for (const [name, shape] of [...shapes, ['seed', output.shape] as const]) {
    session.defineParameter(name, shape, 'f32')
    await session.writeParameter(name, name === 'seed' ? seed : values(name, shape))
  }
  graph.parameter('seed', output.shape)
  session.setTrainable(trainable)
  const program = session.compile(graph, { seeds: { y: 'seed' } })
  try {
    for (let run = 0; run < (options.runs ?? 1); run++) {
      const fetched = await session.run(program, { sizes: {}, inputs }, { fetch: ['y'], accumulate: run > 0 })
      expectClose('y', fetched['y']!, output.data, { dtype: 'f32', reduction: 64 })
    }
    const results = new Map<string, { actual: Float32Array; expected: Float64Array }>()
    for (const name of trainable) {
      const array = moved.get(name)!
      const objective = () => evaluate().data.reduce((sum, value, index) => sum + value * seed[index]!, 0)
      const step = 2 ** -13
      const expected = array.map((value, index) => {
        array[index] = value + step
        const above = objective()
        array[index] = value - step
        const below = objective()
        array[index] = value
        return (above - below) / (2 * step)
      })
      results.set(name, { actual: await session.readGradient(name), expected })
    }
    return { results, print: program.print() }
  } finally {
    program.dispose()
    session.setTrainable([])
    for (const name of names) session.removeParameter(name)
  }
}

async function expectGradients(expression: Expression, trainable: readonly string[], runs = 1): Promise<string> {
  const { results, print } = await gradientsOf(expression, trainable, { runs })
  for (const [name, { actual, expected }] of results) {
    const total = expected.map((value) => value * runs)
    expectClose(`gradient of ${name}`, actual, total, { dtype: 'f32', reduction: 64 })
  }
  return print
}

/** x + f(x), x itself computed so that its gradient passes through memory and not straight into a parameter. */
const residual =
  (branch: <Value>(algebra: Algebra<Value>, x: Value) => Value): Expression =>
  (algebra) => {
    const x = algebra.node('add', [algebra.parameter('a', [7, 17]), algebra.parameter('b', [7, 17])])
    return algebra.node('add', [x, branch(algebra, x)])
  }

const layerNorm = residual((algebra, x) =>
  algebra.node('layer_norm', [x, algebra.parameter('w', [17]), algebra.parameter('bias', [17])], { eps: 1e-5 }),
)
const rmsNorm = residual((algebra, x) => algebra.node('rms_norm', [x, algebra.parameter('w', [17])], { eps: 1e-5 }))
const projection = residual((algebra, x) =>
  algebra.node('linear', [x, algebra.parameter('w', [17, 17])], { layout: 'in_out' }),
)

describe('gradients through several nodes', () => {
  it('fuses the residual gradient into layer_norm', async () => {
    const print = await expectGradients(layerNorm, ['a', 'w', 'bias'])
    expect(print.match(/= add\(/g)).toHaveLength(2) // the two of the expression, none for the gradient
  })

  it('fuses the residual gradient into rms_norm', async () => {
    const print = await expectGradients(rmsNorm, ['a', 'w'])
    expect(print.match(/= add\(/g)).toHaveLength(2)
  })

  it('fuses the residual gradient into linear', async () => {
    const print = await expectGradients(projection, ['a', 'w'])
    expect(print.match(/= add\(/g)).toHaveLength(2)
  })

  it('sums both uses of a shared weight', async () => {
    await expectGradients(
      (algebra) => {
        const w = algebra.parameter('w', [13, 13])
        const once = algebra.node('linear', [algebra.parameter('x', [5, 13]), w])
        return algebra.node('linear', [algebra.node('activation', [once], { kind: 'silu' }), w], { layout: 'in_out' })
      },
      ['w', 'x'],
    )
  })

  it('adds to the gradients of the run before when asked', async () => {
    await expectGradients(layerNorm, ['a', 'b', 'w', 'bias'], 3)
  })

  it('differentiates a low-rank adapter beside a frozen weight', async () => {
    const print = await expectGradients(
      (algebra) => {
        const x = algebra.node('rms_norm', [algebra.parameter('x', [9, 16]), algebra.parameter('norm', [16])])
        const u = algebra.node('linear', [x, algebra.parameter('A', [3, 16])])
        return algebra.node('linear', [x, algebra.parameter('w', [11, 16]), null, u, algebra.parameter('B', [11, 3])], {
          low_rank_scale: 2,
        })
      },
      ['A', 'B'],
    )
    // A and B, and nothing for the frozen weight or below the adapter.
    expect(print.match(/linear_weight_gradient\(/g)).toHaveLength(2)
    expect(print).not.toContain('rms_norm_backward')
  })

  it('follows a gated feed-forward block', async () => {
    await expectGradients(
      (algebra) => {
        const x = algebra.node('add', [algebra.parameter('a', [5, 12]), algebra.parameter('b', [5, 12])])
        const normed = algebra.node('rms_norm', [x, algebra.parameter('norm', [12])])
        const gate = algebra.node('linear', [normed, algebra.parameter('gate', [20, 12])])
        const up = algebra.node('linear', [normed, algebra.parameter('up', [20, 12])])
        const hidden = algebra.node('gated_activation', [gate, up], { kind: 'silu' })
        return algebra.node('linear', [hidden, algebra.parameter('down', [12, 20]), null, null, null, x])
      },
      ['a', 'norm', 'gate', 'up', 'down'],
    )
  })

  it('gives the padding row of an embedding no gradient', async () => {
    const table = (attributes: NativeAttributes): Expression => {
      return (algebra) => {
        const ids = algebra.integers('ids', [2, 0, 2, 1], 3)
        return algebra.node('embedding', [algebra.parameter('table', [3, 5]), ids], { vocabulary: 3, ...attributes })
      }
    }
    const whole = (await gradientsOf(table({}), ['table'])).results.get('table')!.actual
    const padded = (await gradientsOf(table({ padding_index: 2 }), ['table'])).results.get('table')!.actual
    expect([...whole.subarray(10)].every((value) => value !== 0)).toBe(true)
    expect([...padded]).toEqual([...whole.subarray(0, 10), 0, 0, 0, 0, 0])
  })

  it('refuses an op without a gradient, naming the node', () => {
    const graph = new (native().Graph)('f32')
    session.defineParameter('w', [4, 8], 'f32')
    session.setTrainable(['w'])
    const cache = graph.state('cache', [1, 2, 8]).id
    const ids = ['starts', 'slots', 'lengths'].map((name, index) => graph.input(name, [index === 0 ? 2 : 1], 'i32').id)
    const x = graph.parameter('w', [4, 8]).id
    const attributes = { heads: 1, head_dim: 8 }
    const [o] = graph.node('cached_attention', 'layers.0.attention', [x, x, x, cache, cache, ...ids], attributes)
    graph.output('o', o!.id)
    try {
      expect(() => session.compile(graph, { seeds: { o: 'w' } })).toThrowError(
        expect.objectContaining({ code: 'not-differentiable', where: 'layers.0.attention' }) as Error,
      )
    } finally {
      session.setTrainable([])
      session.removeParameter('w')
    }
  })
})
