/**
 * AdamW and the gradients' norm over lists of tensors, against float64: groups with settings of their own, one of them empty,
 * parameters that join later and count their own steps, sizes of 1, of no multiple of anything, and of more than one task.
 */
import { describe, expect, it } from 'vitest'
import { native, type NativeGraph, type NativeOptimizerGroup, type NativeSession } from '../../lib/native.js'
import { openSession, type Device } from '../../lib/session.js'
import { describeCuda } from '../cuda/describe-cuda.js'
import { normal, roundToBf16 } from '../ops/numbers.js'
import { expectClose, expectSameBits, type CaseDtype } from '../ops/tolerance.js'

const rows = 5
/** Of layers that follow on each other. 129 * 130 elements are more than one task sums the squares of. */
const widths = [6, 1, 7, 130, 129, 3]
/** More tensors than a block of a GPU has threads. */
const small = 130
const steps = 5
const joinsAt = 2
const maxGradNorm = 0.5

const shapes = new Map<string, readonly number[]>()
for (let i = 1; i < widths.length; i++) {
  shapes.set(`layer ${i} weight`, [widths[i]!, widths[i - 1]!])
  shapes.set(`layer ${i} bias`, [widths[i]!])
}
for (let i = 0; i < small; i++) {
  shapes.set(`small ${i} weight`, [3, 3])
  shapes.set(`small ${i} bias`, [3])
}
const names = [...shapes.keys()]

const groups: readonly NativeOptimizerGroup[] = [
  {
    parameters: names.filter((name) => /^layer . weight/.test(name)),
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.1,
  },
  { parameters: [], betas: [0.5, 0.5], eps: 1, weightDecay: 1 },
  { parameters: names.filter((name) => /^layer . bias/.test(name)), betas: [0.8, 0.95], eps: 1e-4, weightDecay: 0 },
  {
    parameters: names.filter((name) => name.startsWith('small')),
    betas: [0.85, 0.99],
    eps: 1e-6,
    weightDecay: 0.02,
  },
]
const rateOf = (group: number, step: number): number =>
  group === 0 && step === 3 ? 0 : 0.01 * (group + 1) + 0.001 * step

/** Linear layers one after another, the small ones beside the identity, so that gradients reach the first. */
function graphOf(dtype: CaseDtype): NativeGraph {
  const graph = new (native().Graph)(dtype)
  const linear = (name: string, x: number): number => {
    const [weight, bias] = ['weight', 'bias'].map((part) => {
      const full = `${name} ${part}`
      return graph.parameter(full, shapes.get(full)!).id
    })
    return graph.node('linear', name, [x, weight!, bias!], {})[0]!.id
  }
  let x = graph.parameter('x', [rows, widths[0]!]).id
  for (let i = 1; i < widths.length; i++) x = linear(`layer ${i}`, x)
  for (let i = 0; i < small; i++) x = graph.node('add', `sum ${i}`, [x, linear(`small ${i}`, x)], {})[0]!.id
  const targets = graph.input('targets', [rows, widths.at(-1)!], 'f32').id
  const scale = graph.input('loss_scale', [1], 'f32').id
  graph.output('loss', graph.node('mean_squared_error', 'loss', [x, targets, scale], {})[0]!.id)
  for (const name of names) {
    const read = graph.node('scale', name, [graph.parameter(name, shapes.get(name)!).id], { factor: 1 })
    graph.output(name, read[0]!.id)
  }
  return graph
}

interface Snapshot {
  readonly norm: number
  readonly gradients: ReadonlyMap<string, Float32Array>
  readonly weights: ReadonlyMap<string, Float32Array>
  /** As a forward pass reads them. */
  readonly working: ReadonlyMap<string, Float32Array>
}

interface Run {
  readonly start: ReadonlyMap<string, Float32Array>
  readonly steps: readonly Snapshot[]
}

/** The small layers join at `joinsAt`. */
async function train(device: Device, dtype: CaseDtype, threads: number, instructionSet = ''): Promise<Run> {
  const session: NativeSession = openSession({ device, threads, instructionSet })
  try {
    const readAll = async (read: (name: string) => Promise<Float32Array>) =>
      new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)))
    const write = async (name: string, shape: readonly number[], std: number) => {
      session.defineParameter(name, shape, dtype)
      const values = normal(
        `optimizer ${name}`,
        shape.reduce((product, size) => product * size, 1),
        std,
      )
      await session.writeParameter(name, dtype === 'bf16' ? roundToBf16(values) : values)
    }
    await write('x', [rows, widths[0]!], 1)
    for (const [name, shape] of shapes) await write(name, shape, name.startsWith('small') ? 0.1 : 1)
    session.setTrainable(names)
    const program = session.compile(graphOf(dtype), { loss: 'loss', wrt: names })
    const optimizer = session.createOptimizer(groups.slice(0, 3))
    const targets = normal('optimizer targets', rows * widths.at(-1)!, 1)
    const batch = { sizes: {}, inputs: { targets, loss_scale: Float32Array.of(1 / targets.length) } }
    const start = await readAll((name) => session.readParameter(name))
    const taken: Snapshot[] = []
    for (let step = 0; step < steps; step++) {
      if (step === joinsAt) session.regroupOptimizer(optimizer, groups)
      const learningRates = groups.slice(0, step < joinsAt ? 3 : 4).map((_, group) => rateOf(group, step))
      const random = { seed: 0, draw: step }
      const request = { program, batches: [batch], optimizer, learningRates, maxGradNorm, random }
      const { gradNorm, updated } = await session.step(request)
      expect(updated).toBe(true)
      const gradients = await readAll((name) => session.readGradient(name))
      const weights = await readAll((name) => session.readParameter(name))
      const working = new Map(Object.entries(await session.run(program, batch, { fetch: names })))
      taken.push({ norm: gradNorm, gradients, weights, working: working as Map<string, Float32Array> })
    }
    return { start, steps: taken }
  } finally {
    session.dispose()
  }
}

/** torch.optim.AdamW on the gradients that the run had. */
function expectAdamW({ start, steps: taken }: Run, dtype: CaseDtype): void {
  const state = new Map(
    names.map((name) => {
      const weight = Float64Array.from(start.get(name)!)
      return [name, { weight, m: new Float64Array(weight.length), v: new Float64Array(weight.length), t: 0 }]
    }),
  )
  taken.forEach(({ norm, gradients, weights, working }, step) => {
    const trained = groups.slice(0, step < joinsAt ? 3 : 4)
    const squares = trained.flatMap(({ parameters }) => parameters.map((name) => sumOfSquares(gradients.get(name)!)))
    const expected = Math.sqrt(squares.reduce((sum, each) => sum + each, 0))
    // Some 20,000 terms of one sign, each sum rounded in float64.
    expect(Math.abs(norm - expected), 'norm').toBeLessThan(20_000 * 2 ** -53 * expected)
    const scale = Math.min(1, maxGradNorm / (expected + 1e-6))
    trained.forEach((group, index) => {
      for (const name of group.parameters) {
        const own = state.get(name)!
        update(own, gradients.get(name)!, group, rateOf(index, step), scale)
        // Each step rounds weight and update a few times; an update is about as large as the rate.
        const bound = { dtype: 'f32', reduction: 4 * steps, magnitude: rateOf(index, step) } as const
        expectClose(`${name} after step ${step}`, weights.get(name)!, own.weight, bound)
      }
    })
    for (const name of names) {
      const read = weights.get(name)!
      expectSameBits(`working ${name}`, working.get(name)!, dtype === 'bf16' ? roundToBf16(read) : read)
    }
  })
}

function update(
  state: { weight: Float64Array; m: Float64Array; v: Float64Array; t: number },
  gradient: Float32Array,
  { betas: [beta1, beta2], eps, weightDecay }: NativeOptimizerGroup,
  rate: number,
  scale: number,
): void {
  state.t++
  gradient.forEach((value, i) => {
    const g = scale * value
    const m = (state.m[i] = beta1 * state.m[i]! + (1 - beta1) * g)
    const v = (state.v[i] = beta2 * state.v[i]! + (1 - beta2) * g * g)
    const step = (rate * m) / (1 - beta1 ** state.t) / (Math.sqrt(v / (1 - beta2 ** state.t)) + eps)
    state.weight[i] = state.weight[i]! * (1 - rate * weightDecay) - step
  })
}

function sumOfSquares(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}

function expectSameRun(actual: Run, expected: Run): void {
  expected.steps.forEach(({ norm, weights }, step) => {
    expect(actual.steps[step]!.norm).toBe(norm)
    for (const name of names) expectSameBits(name, actual.steps[step]!.weights.get(name)!, weights.get(name)!)
  })
}

describe.each(['f32', 'bf16'] as const)('in %s', (dtype) => {
  it.each(native().processor().instructionSets)(
    '%s: steps and norms are AdamW, with any number of threads',
    async (set) => {
      const run = await train('cpu', dtype, 1, set)
      expectAdamW(run, dtype)
      for (const threads of [2, 3]) expectSameRun(await train('cpu', dtype, threads, set), run)
    },
  )

  describeCuda(() => {
    it('steps and norms are AdamW', async () => {
      expectAdamW(await train('cuda', dtype, 1), dtype)
    })
  })
})
