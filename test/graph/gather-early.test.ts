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

describe('rows that nobody reads', () => {
  it('are not computed: the rows are taken once, where rows still depend on each other', async () => {
    const { nodes } = await gradients(false)
    const forward = nodes.slice(0, 7)
    expect(forward).toEqual([
      `scale [${tokens}, ${width}]`,
      `segment_mean [1, ${width}]`,
      `gather_rows [${asked}, ${width}]`,
      `rms_norm [${asked}, ${width}]`,
      `linear [${asked}, ${wide}]`,
      `activation [${asked}, ${wide}]`,
      `linear [${asked}, ${width}]`,
    ])
    expect(nodes.filter((node) => node.startsWith('scatter_rows'))).toEqual([`scatter_rows [${tokens}, ${width}]`])
  })

  it('are computed where the whole value is asked for, with the same results', async () => {
    const [few, all] = await Promise.all([gradients(false), gradients(true)])
    expect(all.nodes).toContain(`linear [${tokens}, ${width}]`)
    const same = (mine: ArrayLike<number>, other: ArrayLike<number>) => {
      const most = Math.max(...Array.from(other, Math.abs))
      expect(most).toBeGreaterThan(0)
      expect(mine).toHaveLength(other.length)
      // Sums of up to 16 terms, in another order where a product has fewer rows.
      Array.from(mine).forEach((value, i) => expect(Math.abs(value - (other[i] ?? NaN))).toBeLessThan(1e-6 * most))
    }
    expect(few.y).toHaveLength(asked * width)
    same(few.y, all.y)
    few.found.forEach((gradient, i) => same(gradient, all.found[i] ?? []))
  })
})
