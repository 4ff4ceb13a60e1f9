/** A result with figures that were made up, not measured: predictions of an A100, moved about. */
import { isAbsent } from '../../../bench/cuda/absent.js'
import { openSession } from '../../../dist/session.js'
import { compareAttention } from '../../../bench/cuda/attention-peer.js'
import type { Estimate } from '../../../bench/cuda/estimate.js'
import { gpus } from '../../../bench/cuda/gpus.js'
import { nameOf } from '../../../bench/cuda/kernel-case.js'
import { attentionShape, kernelCases, lengthShapes } from '../../../bench/cuda/kernel-cases.js'
import { classOf } from '../../../bench/cuda/kernel-class.js'
import type { OpError } from '../../../bench/cuda/op-error.js'
import { costOf } from '../../../bench/cuda/kernel-program.js'
import type { AttentionResult, CudaResult, KernelResult, StepResult } from '../../../bench/cuda/result.js'
import { predictKernel, predictStep } from '../../../bench/cuda/roofline.js'
import { readStepCases, tokensOf } from '../../../bench/cuda/step-cases.js'
import { stepCosts } from '../../../bench/cuda/step-costs.js'

export const gpu = {
  name: 'NVIDIA A100-SXM4-80GB',
  driver: '580.65.06',
  memory: 81920,
  powerLimit: 400,
  powerMaximum: 400,
  clock: 1155,
  clockMaximum: 1410,
  memoryClock: 1593,
  memoryClockMaximum: 1593,
  temperature: 41,
  computeCapability: '8.0',
}

const estimate = (seconds: number): Estimate => ({ seconds, low: 0.98 * seconds, high: 1.03 * seconds, rounds: 9 })
const wobble = (i: number): number => 0.85 + 0.4 * ((i * 7919) % 101) * 0.01

export function madeResult(): CudaResult {
  const kernels = madeKernels()
  return {
    measured: true,
    date: '2026-01-01T00:00:00.000Z',
    machine: {
      ...{ processor: 'made up', architecture: 'x64', cores: 16, features: [], instructionSet: 'avx2', memoryGiB: 128 },
      ...{ system: 'linux 6.1', node: 'v20.0.0', compiler: 'g++ 12.2', attune: '0.1.0', commit: 'abcdef0', date: '' },
    },
    device: { kind: 'cuda', hardware: gpu.name, products: 'cuBLASLt 13.0.0 (/usr/lib/libcublasLt.so.13)' },
    gpu: { before: gpu, after: { ...gpu, clock: 1380, temperature: 66 } },
    peaks: { tensor: 262e12, bandwidth: 1.78e12 },
    python: { python: '3.11.7', torch: '2.13.0', cuda: '13.0', device: gpu.name },
    correctness: {
      tests: [
        { name: 'every op', passed: 560, failed: 0, skipped: 2 },
        { name: 'models of all families', missing: 'the tests left no report: <none>' },
      ],
      opErrors: madeOpErrors(),
      sanitizer: [
        { tool: 'memcheck', errors: 0 },
        { tool: 'racecheck', errors: 0 },
      ],
      repeatable: { same: true, steps: 100 },
      losses: {
        device: Array.from({ length: 100 }, (_, i) => 5.3 * Math.exp(-i / 30)),
        processor: Array.from({ length: 100 }, (_, i) => 5.301 * Math.exp(-i / 30)),
        difference: 2e-4,
      },
    },
    kernels,
    attention: madeAttention(kernels),
    steps: madeSteps(),
  }
}

function madeOpErrors(): OpError[] {
  const error = (i: number) => ({ absolute: 1e-6 * i, relative: 3e-7 * i, ofTolerance: 0.03 * i })
  return ['add', 'embedding', 'rms_norm'].flatMap((op, i) =>
    (['f32', 'bf16'] as const).map((dtype, j) => ({
      ...{ op, dtype, outputs: error(1 + i + j) },
      ...(op === 'embedding' ? {} : { gradients: error(2 + i + j) }),
    })),
  )
}

function madeKernels(): KernelResult[] {
  const session = openSession({ device: 'cpu', threads: 1, instructionSet: '', planned: true })
  try {
    return kernelCases().map((definition, i) => {
      const { op, products, attention, elements, bytes } = costOf(session, definition)
      const cost = { op, products, attention, elements, bytes }
      const { dtype, how = 'copies' } = definition
      const predicted = predictKernel(cost, dtype, gpus.a100)
      const time =
        i === 5 ? { missing: 'There is no kernel for linear on cuda' } : estimate(predicted.seconds * wobble(i))
      return { ...cost, name: nameOf(definition), class: classOf(op), dtype, how, time, predicted }
    })
  } finally {
    session.dispose()
  }
}

/** PyTorch a quarter slower or faster; of the last shape it has no time. */
function madeAttention(kernels: readonly KernelResult[]): AttentionResult[] {
  const shapes = lengthShapes()
  const secondsOf = (name: string): number => {
    const time = kernels.find((kernel) => kernel.name === name)?.time
    return time === undefined || isAbsent(time) ? 1 : time.seconds
  }
  const turn = shapes.map((of, i) => {
    if (i === shapes.length - 1) return { missing: 'OutOfMemoryError: CUDA out of memory.' }
    const [forward, backward] = ['attention', 'attention_backward'].map((op) =>
      [0.99, 1, 1.01].map((part) => part * (2 - wobble(i)) * secondsOf(`${op} ${attentionShape(of)} bf16`)),
    )
    return { forward: forward!, backward: backward! }
  })
  return compareAttention(shapes, kernels, [turn, turn])
}

function madeSteps(): StepResult[] {
  return Object.entries(readStepCases()).map(([name, step], i) => {
    const { costs, memory } = stepCosts(step, 'bf16')
    const { seconds, flops } = predictStep(costs, 'bf16', gpus.a100)
    const missing = { missing: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 6.14 GiB.' }
    return {
      ...{ case: name, title: step.title, dtype: 'bf16', rows: step.batch, tokens: tokensOf(step), flops },
      time: estimate(seconds * wobble(i)),
      timeWithoutGraphs: estimate(1.08 * seconds * wobble(i)),
      plannedBytes: memory,
      peakBytes: 1.1 * memory,
      predictedSeconds: seconds,
      peers: [
        { variant: 'autocast+fused', time: estimate(1.4 * seconds), peakBytes: 2.1 * memory },
        { variant: 'autocast+fused+compile', time: i === 2 ? missing : estimate(1.1 * seconds), peakBytes: undefined },
      ],
    }
  })
}
