/** AdamW, the gradients' norm and what clips by it: a few steps of a session on the emulated GPU beside one on the processor. */
import { expect, it } from 'vitest'
import { native, type NativeProgram, type NativeSession } from '../../lib/native.js'
import { openSession } from '../../lib/session.js'
import { normal, roundToBf16 } from '../ops/numbers.js'
import { expectClose, type CaseDtype } from '../ops/tolerance.js'
import { describeCuda } from './describe-cuda.js'

/** A table of more elements than one block sums the squares of, and no multiple of what a thread takes. */
const vocabulary = 509
const columns = 65
const padding = 3
const tokens = 37
const steps = 4
const parameters = { table: [vocabulary, columns], weight: [columns], bias: [columns] } as const
const ids = Int32Array.from({ length: tokens }, (_, t) => (t % 5 === 0 ? padding : (t * t) % vocabulary))
const targets = normal('optimizer targets', tokens * columns, 1)

interface Run {
  readonly losses: readonly number[]
  readonly norms: readonly number[]
  readonly weights: ReadonlyMap<string, Float32Array>
  readonly gradients: ReadonlyMap<string, Float32Array>
  /** The table's rows as a forward pass reads them. */
  readonly embedded: Float32Array
}

function graphOf(dtype: CaseDtype) {
  const graph = new (native().Graph)(dtype)
  const [table, weight, bias] = Object.entries(parameters).map(([name, shape]) => graph.parameter(name, shape).id)
  const at = graph.input('ids', [tokens], 'i32').id
  const embedded = graph.node('embedding', 'embedding', [table!, at, -1], { vocabulary, padding_index: padding })[0]!.id
  const normed = graph.node('layer_norm', 'norm', [embedded, weight!, bias!], {})[0]!.id
  const wanted = graph.input('targets', [tokens, columns], 'f32').id
  const scale = graph.input('loss_scale', [1], 'f32').id
  const loss = graph.node('mean_squared_error', 'loss', [normed, wanted, scale], {})[0]!.id
  graph.output('loss', loss)
  graph.output('embedded', embedded)
  return graph
}

async function train(device: 'cpu' | 'cuda', dtype: CaseDtype, maxGradNorm: number): Promise<Run> {
  const session: NativeSession = openSession({ device, threads: 1, instructionSet: '' })
  let program: NativeProgram | undefined
  try {
    const names = Object.keys(parameters) as (keyof typeof parameters)[]
    for (const name of names) {
      session.defineParameter(name, parameters[name], dtype)
      const values = normal(
        `optimizer ${name}`,
        parameters[name].reduce((product, size) => product * size, 1),
        1,
      )
      await session.writeParameter(name, dtype === 'bf16' ? roundToBf16(values) : values)
    }
    session.setTrainable(names)
    program = session.compile(graphOf(dtype), { loss: 'loss' })
    // An eps of the gradients' size: without one AdamW's steps do not depend on how gradients are scaled.
    const optimizer = session.createOptimizer([
      { parameters: ['table'], betas: [0.9, 0.999], eps: 1e-4, weightDecay: 0.1 },
      { parameters: ['weight', 'bias'], betas: [0.8, 0.95], eps: 1e-8, weightDecay: 0 },
    ])
    const batch = {
      sizes: {},
      inputs: { ids, targets, loss_scale: Float32Array.of(1 / (tokens * columns)) },
    }
    const losses: number[] = []
    const norms: number[] = []
    for (let step = 0; step < steps; step++) {
      const random = { seed: 0, draw: step }
      const learningRates = [0.1, step === 1 ? 0 : 0.05]
      const result = await session.step({ program, batches: [batch], optimizer, learningRates, maxGradNorm, random })
      expect(result.updated).toBe(true)
      losses.push(result.loss)
      norms.push(result.gradNorm)
    }
    const weights = new Map<string, Float32Array>()
    const gradients = new Map<string, Float32Array>()
    for (const name of names) {
      weights.set(name, await session.readParameter(name))
      gradients.set(name, await session.readGradient(name))
    }
    const fetched = await session.run(program, batch, { fetch: ['embedded'] })
    return { losses, norms, weights, gradients, embedded: Float32Array.from(fetched.embedded!) }
  } finally {
    program?.dispose()
    session.dispose()
  }
}

describeCuda(() => {
  for (const dtype of ['f32', 'bf16'] as const) {
    for (const maxGradNorm of [0, 0.05]) {
      it(`${dtype}: ${steps} steps, ${maxGradNorm === 0 ? 'not clipped' : `clipped to ${maxGradNorm}`}`, async () => {
        const cpu = await train('cpu', dtype, maxGradNorm)
        const cuda = await train('cuda', dtype, maxGradNorm)
        const bound = { dtype, reduction: tokens * columns }
        // Above the limit at first, else nothing is clipped.
        expect(cuda.norms[0]).toBeGreaterThan(maxGradNorm)
        expectClose('losses', cuda.losses, cpu.losses, bound)
        expectClose('norms', cuda.norms, cpu.norms, bound)
        for (const [name, values] of cpu.gradients)
          expectClose(`gradient of ${name}`, cuda.gradients.get(name)!, values, bound)
        for (const [name, values] of cpu.weights) expectClose(name, cuda.weights.get(name)!, values, bound)
        // The pass reads the master's values, rounded once.
        const table = cuda.weights.get('table')!
        const read = dtype === 'bf16' ? roundToBf16(table) : table
        ids.forEach((id, t) => {
          const row = cuda.embedded.subarray(t * columns, (t + 1) * columns)
          expect(row).toEqual(read.subarray(id * columns, (id + 1) * columns))
        })
      })
    }
  }

  it('the padding has no gradient, and rows without tokens have none', async () => {
    const { gradients } = await train('cuda', 'f32', 0)
    const table = gradients.get('table')!
    for (let row = 0; row < vocabulary; row++) {
      const read = row !== padding && ids.includes(row)
      const gradient = table.subarray(row * columns, (row + 1) * columns)
      expect(
        gradient.some((value) => value !== 0),
        `row ${row}`,
      ).toBe(read)
    }
  })
})
