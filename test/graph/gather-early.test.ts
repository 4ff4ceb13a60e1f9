import { describe, expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import { wavyParameters } from './wavy-parameters.js'

const [tokens, width, wide, asked] = [7, 8, 16, 3]
const rows = Int32Array.from([1, 4, 5])
const open = () => new (native().Session)({ threads: 2, instructionSet: '' })

/**
 * The end of a block: y = (x + W2 act(W1 norm(x)))[rows], with x, the norm and both matrices trained.
 * `shown`: the block's output is asked for too, so that all of its rows are needed.
 */
async function lastBlock(session: NativeSession, shown: boolean) {
  const graph = new (native().Graph)('f32')
  const shapes = { x: [tokens, width], norm: [width], up: [wide, width], down: [width, wide], dy: [asked, width] }
  const id = await wavyParameters(session, graph, shapes)
  const [x] = graph.node('scale', 'attention', [id('x')], { factor: 1 })
  // Attention mixes rows: what comes before it must stay whole.
  const [mixed] = graph.node('segment_mean', 'unused', [x!.id, graph.input('cu', [2], 'i32').id], {})
  graph.output('mean', mixed!.id)
  const [normed] = graph.node('rms_norm', 'norm', [x!.id, id('norm')], { eps: 1e-6 })
  const [before] = graph.node('linear', 'up', [normed!.id, id('up')], {})
  const [after] = graph.node('activation', 'act', [before!.id], { kind: 'gelu_new' })
  const [block] = graph.node('linear', 'down', [after!.id, id('down'), -1, -1, -1, x!.id], {})
  const asks = graph.input('rows', [asked], 'i32', tokens)
  const [y] = graph.node('gather_rows', 'head', [block!.id, asks.id], {})
  graph.output('y', y!.id)
  if (shown) graph.output('block', block!.id)
  session.setTrainable(['x', 'norm', 'up', 'down'])
  return session.compile(graph, { seeds: { y: 'dy' } })
}

/** Op and shape of the first output, node by node. */
const nodesOf = (print: string) =>
  print.trim().split('\n').map((line) => (/^%\d+ f32(\[.*?\]).* = (\w+)\(/.exec(line) ?? []).slice(1).reverse().join(' ')) // prettier-ignore

async function gradients(shown: boolean) {
  const session = open()
  try {
    const program = await lastBlock(session, shown)
    const inputs = { rows, cu: Int32Array.from([0, tokens]) }
    const { y } = await session.run(program, { sizes: {}, inputs }, { fetch: ['y'] })
    const found = await Promise.all(['x', 'norm', 'up', 'down'].map((name) => session.readGradient(name)))
    return { nodes: nodesOf(program.print()), y: Array.from(y ?? []), found }
  } finally {
    session.dispose()
  }
}

const [heads, headDim] = [2, 4]
const attended = ['x', 'q', 'k', 'v', 'o'] as const

/** y = (x + Wo attention(rotary(Wq x), rotary(Wk x), Wv x))[rows] of two segments; `packed`: with one matrix for all three. */
async function attentionOfRows(session: NativeSession, { shown = false, packed = false, window = 0 }) {
  const graph = new (native().Graph)('f32')
  const wide = packed ? 3 * width : width
  const shapes = {
    ...{ x: [tokens, width], q: [wide, width], k: [width, width], v: [width, width], o: [width, width] },
    dy: [asked, width],
  }
  const id = await wavyParameters(session, graph, shapes)
  const positions = graph.input('positions', [tokens], 'i32', 16).id
  const segments = graph.input('cu', [3], 'i32').id
  const turn = { head_dim: headDim, inverse_frequencies: [1, 0.1] }
  const project = (name: 'q' | 'k' | 'v') => graph.node('linear', name, [id('x'), id(name)], {})[0]!.id
  const turned = (name: 'q' | 'k') => graph.node('rotary', `${name} rotary`, [project(name), positions], turn)[0]!.id
  const inputs = packed ? [project('q'), -1, -1] : [turned('q'), turned('k'), project('v')]
  const attributes = { heads, head_dim: headDim, window, ...(packed && { packing: 'qkv' }) }
  const [mixed] = graph.node('attention', 'attention', [...inputs, segments], attributes)
  const [block] = graph.node('linear', 'o', [mixed!.id, id('o'), -1, -1, -1, id('x')], {})
  const [y] = graph.node('gather_rows', 'head', [block!.id, graph.input('rows', [asked], 'i32', tokens).id], {})
  graph.output('y', y!.id)
  if (shown) graph.output('mixed', mixed!.id)
  session.setTrainable(packed ? ['x', 'q', 'o'] : [...attended])
  return session.compile(graph, { seeds: { y: 'dy' } })
}

async function attentionGradients(options: { shown?: boolean; packed?: boolean; window?: number }) {
  const session = open()
  try {
    const program = await attentionOfRows(session, options)
    const inputs = { rows, cu: Int32Array.from([0, 5, tokens]), positions: Int32Array.from([0, 1, 2, 3, 4, 0, 1]) }
    const { y } = await session.run(program, { sizes: {}, inputs }, { fetch: ['y'] })
    const names = options.packed === true ? (['x', 'q', 'o'] as const) : attended
    const found = await Promise.all(names.map((name) => session.readGradient(name)))
    return { nodes: nodesOf(program.print()), y: Array.from(y ?? []), found }
  } finally {
    session.dispose()
  }
}

/** Sums of up to 16 terms, in another order where a product has fewer rows. */
function expectSame(mine: ArrayLike<number>, other: ArrayLike<number>): void {
  const most = Math.max(...Array.from(other, Math.abs))
  expect(most).toBeGreaterThan(0)
  expect(mine).toHaveLength(other.length)
  Array.from(mine).forEach((value, i) => expect(Math.abs(value - (other[i] ?? NaN))).toBeLessThan(1e-6 * most))
}

describe('rows that nobody reads', () => {
  it('are not computed: the rows are taken once, where rows still depend on each other', async () => {
    const { nodes } = await gradients(false)
    const forward = nodes.slice(0, 6)
    expect(forward).toEqual([
      `scale [${tokens}, ${width}]`,
      `segment_mean [1, ${width}]`,
      `gather_rows [${asked}, ${width}]`,
      `rms_norm [${asked}, ${width}]`,
      `linear [${asked}, ${wide}]`,
      `linear [${asked}, ${width}]`,
    ])
    expect(nodes.filter((node) => node.startsWith('scatter_rows'))).toEqual([`scatter_rows [${tokens}, ${width}]`])
  })

  it('are computed where the whole value is asked for, with the same results', async () => {
    const [few, all] = await Promise.all([gradients(false), gradients(true)])
    expect(all.nodes).toContain(`linear [${tokens}, ${width}]`)
    expect(few.y).toHaveLength(asked * width)
    expectSame(few.y, all.y)
    few.found.forEach((gradient, i) => expectSame(gradient, all.found[i] ?? []))
  })

  it('are no queries of attention, and keys and values of it', async () => {
    const { nodes } = await attentionGradients({})
    const forward = nodes.slice(
      0,
      nodes.findIndex((node) => node.startsWith('linear_')),
    )
    expect(forward.filter((node) => !node.startsWith('gather_rows'))).toEqual([
      `linear [${asked}, ${width}]`,
      '', // the positions of these rows, which are integers
      `rotary [${asked}, ${width}]`,
      `linear [${tokens}, ${width}]`,
      `rotary [${tokens}, ${width}]`,
      `linear [${tokens}, ${width}]`,
      `attention [${asked}, ${width}]`,
      `linear [${asked}, ${width}]`,
    ])
  })

  it.each([0, 2])('are seen by the others as before, with a window of %i', async (window) => {
    const [few, all] = await Promise.all([attentionGradients({ window }), attentionGradients({ window, shown: true })])
    expect(all.nodes).toContain(`attention [${tokens}, ${width}]`)
    expectSame(few.y, all.y)
    few.found.forEach((gradient, i) => expectSame(gradient, all.found[i] ?? []))
  })

  it('are queries where one product makes queries, keys and values', async () => {
    const { nodes, y } = await attentionGradients({ packed: true })
    expect(nodes).toContain(`attention [${tokens}, ${width}]`)
    expect(nodes).toContain(`linear [${asked}, ${width}]`)
    expect(y).toHaveLength(asked * width)
  })
})
