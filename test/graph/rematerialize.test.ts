import { describe, expect, it } from 'vitest'
import { native, type NativeSession } from '../../lib/native.js'
import { wavyParameters } from './wavy-parameters.js'

const [tokens, width, wide] = [4, 8, 16]
const open = () => new (native().Session)({ threads: 1, instructionSet: '' })

/** y = act(x W1^T) W2^T with both weights trained. `shown`: the activation's output is asked for too. */
async function multilayer(session: NativeSession, shown: boolean) {
  const graph = new (native().Graph)('f32')
  const shapes = { x: [tokens, width], up: [wide, width], down: [width, wide], dy: [tokens, width] }
  const id = await wavyParameters(session, graph, shapes)
  const [before] = graph.node('linear', 'up', [id('x'), id('up')], {})
  const [after] = graph.node('activation', 'act', [before!.id], { kind: 'gelu_new' })
  const [y] = graph.node('linear', 'down', [after!.id, id('down')], {})
  graph.output('y', y!.id)
  if (shown) graph.output('act', after!.id)
  session.setTrainable(['up', 'down'])
  return session.compile(graph, { seeds: { y: 'dy' } })
}

const nodesOf = (print: string) => print.trim().split('\n').map((line) => /= (\w+)\(/.exec(line)?.[1]) // prettier-ignore

describe('what is cheap to make again', () => {
  it('is made just before the backward pass reads it', async () => {
    const session = open()
    const program = await multilayer(session, false)
    const nodes = nodesOf(program.print())
    // The first time it is a part of the product before it.
    expect(nodes.filter((op) => op === 'activation')).toHaveLength(1)
    const again = nodes.lastIndexOf('activation')
    expect(nodes[again + 1]).toBe('linear_weight_gradient')
    session.dispose()
  })

  it('is kept where it is an output, and both ways give the same bits', async () => {
    const gradients: Float32Array[][] = []
    for (const shown of [false, true]) {
      const session = open()
      const program = await multilayer(session, shown)
      if (shown) expect(nodesOf(program.print())).not.toContain('activation')
      await session.run(program, { sizes: {}, inputs: {} }, { fetch: [] })
      gradients.push([await session.readGradient('up'), await session.readGradient('down')])
      session.dispose()
    }
    expect(gradients[0]).toEqual(gradients[1])
    expect(gradients[0]?.[1]?.some((value) => value !== 0)).toBe(true)
  })
})
