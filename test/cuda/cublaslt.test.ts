/**
 * Products of bf16 by cuBLASLt, or by what stands in for it on the emulated GPU: against the float64 reference, and that it was that
 * which computed them, not our own kernels.
 */
import { afterAll, expect, it, test } from 'vitest'
import { native } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { linear } from '../ops/linear.case.js'
import { loss } from '../ops/linear_cross_entropy.case.js'
import { checkCase } from '../ops/check-case.js'
import { spread, type OpCase, type OpCases } from '../ops/op-case.js'
import { describeCuda } from './describe-cuda.js'
import { CublasLtTrace, standIn, type ComputedProduct } from './emulated-cublaslt.js'
import { sessionOn } from './session-on.js'

const trace = new CublasLtTrace()
afterAll(() => trace.dispose())

const everything = { bias: true, addend: true, scale: 0.5, lowRankScale: 2 }

/** How the forward product, the first that is computed, was asked for. */
type Forward = Partial<ComputedProduct> | undefined

/** Rows that begin on 16 bytes, but for those without a forward product: they are for our own kernels. */
const linears: readonly (readonly [OpCase, Forward])[] = [
  [linear(24, 40, 48), { m: 48, n: 24, k: 40, transposed: 'A', type: 'bf16', alpha: 1, added: 'nothing', bias: false }],
  [linear(24, 40, 48, { layout: 'in_out' }), { transposed: '', added: 'nothing' }],
  [linear(17, 104, 8, { scale: 0.7 }), { m: 8, n: 17, k: 104, alpha: 0.7 }],
  [linear(37, 8, 72, { bias: true }), { added: 'nothing', bias: true }],
  [linear(37, 8, 72, { addend: true }), { added: 'C', bias: false }],
  [linear(33, 24, 40, { bias: true, addend: true, layout: 'in_out' }), { added: 'C', bias: true }],
  [linear(33, 64, 40, { rank: 8, lowRankScale: 0.25 }), { alpha: 1, added: 'D', bias: false }],
  [linear(33, 64, 40, { rank: 3, lowRankScale: 0 }), { added: 'nothing' }],
  [linear(24, 40, 48, { ...everything, rank: 8 }), { alpha: 0.5, added: 'D', bias: false }],
  [linear(24, 40, 48, { ...everything, rank: 5, layout: 'in_out' }), { alpha: 0.5, added: 'D', bias: false }],
  [linear(130, 16, 136, { ...everything, rank: 16, lowRankLayout: 'in_out' }), { alpha: 0.5, added: 'D' }],
  // So deep a second product is split.
  [linear(24, 40, 48, { rank: 1600 }), { alpha: 1, added: 'D' }],
  [linear(16, 40, 48), undefined],
  [linear(24, 41, 48), undefined],
  [linear(24, 40, 49, { layout: 'in_out' }), undefined],
]

const losses: readonly (readonly [OpCase, Forward])[] = [
  [loss(24, 40, 64), { m: 64, n: 24, k: 40, transposed: 'A', type: 'f32', added: 'nothing', bias: false }],
  [loss(41, 16, 301, { smoothing: 0.1, scale: 1 / 41 }), { m: 301, type: 'f32' }],
  [loss(24, 40, 64, { tokens: spread(5, 64) }), { m: 64, type: 'f32' }],
  // Logits are float32, and the bias is not: cuBLASLt has no such epilogue.
  [loss(24, 40, 64, { bias: true }), undefined],
]

const suites: readonly (readonly [Omit<OpCases, 'cases'>, readonly (readonly [OpCase, Forward])[]])[] = [
  [{ op: 'linear' }, linears],
  [{ op: 'linear_cross_entropy', loss: 'loss' }, losses],
]

describeCuda(() => {
  const isTraced = standIn() !== undefined
  const all: ComputedProduct[] = []

  for (const [suite, cases] of suites) {
    it.each(cases.map(([definition, forward]) => [definition.name, definition, forward] as const))(
      `${suite.op} %s`,
      async (_, definition, forward) => {
        await checkCase(sessionOn('cuda'), { ...suite, cases: [definition] }, definition, 'bf16')
        const computed = trace.take()
        all.push(...computed)
        if (!isTraced) return
        const [tokens, inputs] = definition.inputs[0]!.shape
        const forwards = computed.filter(({ n, k, transposed }) => n === tokens && k === inputs && transposed !== 'B')
        if (forward === undefined) expect(forwards).toEqual([])
        else expect(forwards[0]).toMatchObject(forward)
      },
    )
  }

  test('products of float32 stay with our own kernels', async () => {
    const definition = linear(24, 40, 48)
    await checkCase(sessionOn('cuda'), { op: 'linear', cases: [definition] }, definition, 'f32')
    expect(trace.take()).toEqual([])
  })

  test('the parts of a second product that is split are in the plan', () => {
    const session = openSession({ device: 'cuda', threads: 1, instructionSet: '', planned: true })
    const [tokens, inputs, outputs] = [24, 40, 48]
    const arenaBytes = (rank: number) => {
      const graph = new (native().Graph)('bf16')
      const shapes = [
        [tokens, inputs],
        [outputs, inputs],
        [tokens, rank],
        [outputs, rank],
      ]
      const [x, w, u, b] = shapes.map((shape, i) => {
        session.defineParameter(`${rank} ${i}`, shape, 'bf16')
        return graph.parameter(`${rank} ${i}`, shape).id
      }) as [number, number, number, number]
      graph.output('y', graph.node('linear', 'y', [x, w, -1, u, b, -1], {})[0]!.id)
      return session.compile(graph).arenaBytes({})
    }
    try {
      const splits = Math.floor(1600 / 512)
      expect(arenaBytes(1600) - arenaBytes(16)).toBeGreaterThanOrEqual(4 * splits * tokens * outputs)
    } finally {
      session.dispose()
    }
  })

  test.skipIf(!isTraced)('weights have gradients from it, in float32', () => {
    const gradients = all.filter(({ transposed }) => transposed === 'B')
    expect(gradients.length).toBeGreaterThan(linears.length)
    expect(new Set(gradients.map(({ type }) => type))).toEqual(new Set(['f32']))
    expect(new Set(all.map(({ transposed }) => transposed))).toEqual(new Set(['', 'A', 'B']))
  })
})
