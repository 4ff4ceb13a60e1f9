/** What no CUDA kernel can do is refused by name when a program is compiled, on a machine without a GPU too: plans see it. */
import { afterAll, describe, expect, test } from 'vitest'
import { native } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { refusal } from '../refusal.js'

/** Attention of one head. */
function attentionGraph(headDim: number) {
  const graph = new (native().Graph)('f32')
  const [q, k, v] = ['q', 'k', 'v'].map((name) => graph.input(name, ['tokens', headDim], 'f32').id) as [
    number,
    number,
    number,
  ]
  const starts = graph.input('cu_seqlens', [2], 'i32').id
  const attributes = { heads: 1, head_dim: headDim, causal: true }
  graph.output('y', graph.node('attention', 'model.layers.0.self_attn', [q, k, v, starts, -1, -1], attributes)[0]!.id)
  return graph
}

describe.each([
  ['cpu', 257, undefined],
  ['cuda', 256, undefined],
  ['cuda', 257, 257],
] as const)('planned on %s', (device, headDim, refused) => {
  const session = openSession({ device, planned: true, threads: 1, instructionSet: '' })
  afterAll(() => session.dispose())

  test(`attention with heads of ${headDim} is ${refused === undefined ? 'compiled' : 'refused'}`, () => {
    const error = refusal(() => session.compile(attentionGraph(headDim), {}))
    if (refused === undefined) {
      expect(error).toBeUndefined()
      return
    }
    expect(error).toMatchObject({
      code: 'missing-kernel',
      where: 'model.layers.0.self_attn',
      message:
        `There is no kernel for attention on cuda with head_dim ${refused} (needed at model.layers.0.self_attn): ` +
        "256 is the largest. Use device 'cpu'.",
    })
  })
})
