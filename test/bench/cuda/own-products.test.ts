import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { benchCuda } from '../../../bench/cuda/bench-cuda.js'
import { isAbsent } from '../../../bench/cuda/absent.js'
import { gainOf, mayUseCublasLt, ownProductsPart } from '../../../bench/cuda/own-products.js'
import { kernelCases } from '../../../bench/cuda/kernel-cases.js'
import { reportPage } from '../../../bench/cuda/report-page.js'
import { cublasLtVariable } from '../../../dist/session.js'
import { CublasLtTrace, standIn } from '../../cuda/emulated-cublaslt.js'
import { madeResult } from './made-result.js'

const made = madeResult()

test('the page says how much faster cuBLASLt is, of what has both figures', () => {
  const kernels = made.kernels.map((kernel) =>
    kernel.dtype === 'bf16' && !isAbsent(kernel.time)
      ? { ...kernel, own: { ...kernel.time, seconds: 1.25 * kernel.time.seconds } }
      : { ...kernel, own: { missing: 'not there' } },
  )
  const half = kernels.filter(({ dtype, time }) => dtype === 'bf16' && !isAbsent(time))
  expect(half.length).toBeGreaterThan(10)
  expect(kernels.filter((kernel) => gainOf(kernel) !== undefined)).toEqual(half)
  for (const kernel of half) expect(gainOf(kernel)).toBeCloseTo(1.25)
  expect(reportPage({ ...made, kernels })).toContain('1.25')
  expect(ownProductsPart(made.kernels)).toBeUndefined()
})

test('products and heads of bfloat16 may be computed by it', () => {
  const timedTwice = kernelCases().filter(mayUseCublasLt)
  const ops = new Set(timedTwice.map(({ op }) => op))
  expect(ops).toEqual(new Set(['linear', 'linear_weight_gradient', 'linear_cross_entropy']))
  expect(new Set(timedTwice.map(({ dtype }) => dtype))).toEqual(new Set(['bf16']))
})

const library = standIn()

describe.skipIf(library === undefined)('on an emulated GPU', () => {
  let trace: CublasLtTrace
  beforeAll(() => {
    trace = new CublasLtTrace()
  })
  afterAll(() => trace.dispose())

  test('products are run both ways, and the variable is as before', { timeout: 600_000 }, async () => {
    // The small products have few rows, which are not for cuBLASLt, but for this op's.
    const timed = kernelCases({ small: true }).find(({ op }) => op === 'linear_weight_gradient')!
    const result = await benchCuda({
      ...{ kernels: true, steps: false, rounds: 3, timedSteps: 2, unchecked: true, dryRun: true, device: 'cuda' },
      ...{ python: undefined, log: () => undefined },
      only: ({ op, shape }) => op === timed.op && shape === timed.shape,
    })
    expect(result.device.products).toContain(library)
    const byDtype = Object.fromEntries(result.kernels.map(({ dtype, own }) => [dtype, own]))
    expect(byDtype.bf16).toEqual({ missing: 'not measured: dry run' })
    expect(byDtype.f32).toBeUndefined()
    expect(trace.take().length).toBeGreaterThan(0)
    expect(process.env[cublasLtVariable]).toBe(library)
  })
})
