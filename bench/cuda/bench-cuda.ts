/** The whole run: what must be right first, then the card's peaks, kernels, and steps beside PyTorch. */
import type { NativeSession } from '../../dist/native.js'
import { openSession, type Device, type SessionOptions } from '../../dist/session.js'
import { describeMachine } from '../machine.js'
import { compareAttention, runTorchAttention } from './attention-peer.js'
import { checkCorrectness, faults } from './correctness.js'
import { askGpu } from './gpu-facts.js'
import { gpuNamed } from './gpus.js'
import { nameOf, type KernelCase } from './kernel-case.js'
import { kernelCases, lengthShapes } from './kernel-cases.js'
import { requireMeasurable } from './measurable.js'
import { notMeasured, type Absent } from './absent.js'
import { mayUseCublasLt, openOwnProducts } from './own-products.js'
import type { AttentionResult, CudaResult, KernelResult, StepResult } from './result.js'
import { readStepCases } from './step-cases.js'
import { timeKernel } from './time-kernels.js'
import { timeStep } from './time-steps.js'
import { findTorch, type Torch } from './torch.js'

export interface BenchCudaOptions {
  readonly kernels: boolean
  readonly steps: boolean
  readonly rounds: number
  readonly timedSteps: number
  readonly python: string | undefined
  /** Times even what is not right, or was not looked at. */
  readonly unchecked: boolean
  /** Everything small, on whatever device there is, without figures. */
  readonly dryRun: boolean
  /** Where a dry run computes. @default 'auto' */
  readonly device?: Device
  readonly log: (line: string) => void
  /** Which kernels. @default all */
  readonly only?: (definition: KernelCase) => boolean
}

/** @throws NotMeasurable on an emulated GPU and where there is none, but for a dry run */
export async function benchCuda(options: BenchCudaOptions): Promise<CudaResult> {
  const { dryRun, unchecked, log } = options
  const probe = openSession({ device: deviceOf(options), threads: 0, instructionSet: '' })
  try {
    if (!dryRun) requireMeasurable(probe)
    const { device: kind, hardware, products } = probe
    log(`${hardware}${dryRun ? ': dry run, nothing is measured' : ''}`)
    const before = askGpu()
    const correctness = unchecked ? undefined : await checkCorrectness({ dryRun, device: kind })
    const head = {
      measured: !dryRun,
      date: new Date().toISOString(),
      machine: describeMachine(),
      device: { kind, hardware, products },
      correctness,
    }
    const torch = dryRun ? notMeasured : findTorch(options.python)
    const gpu = gpuNamed(hardware)
    const wrong = correctness === undefined ? [] : faults(correctness)
    const stopped = wrong.length === 0 ? undefined : { missing: `not measured: ${wrong.join('; ')}` }
    const isStopped = stopped !== undefined
    const peaks = stopped ?? (await measurePeaks(probe, dryRun))
    const { kernels, attention } =
      options.kernels && !isStopped ? await timeBesideTorch(options, { gpu, torch }) : { kernels: [], attention: [] }
    const steps = options.steps && !isStopped ? await timeSteps(probe, options, { gpu, torch }) : []
    const after = askGpu()
    const facts = before === undefined || after === undefined ? undefined : { before, after }
    return { ...head, gpu: facts, peaks, python: torch, kernels, attention, steps }
  } finally {
    probe.dispose()
  }
}

function deviceOf({ dryRun, device = 'auto' }: BenchCudaOptions): Device {
  return dryRun ? device : 'cuda'
}

/** What it takes is nothing on a GPU and minutes on an emulator. */
async function measurePeaks(session: NativeSession, dryRun: boolean): Promise<CudaResult['peaks']> {
  if (dryRun) return notMeasured
  return { tensor: await session.measurePeak(), bandwidth: await session.measureReadBandwidth() }
}

/** PyTorch's attention before and after attune's kernels: a card that slows down slows one of its turns too. */
async function timeBesideTorch(
  options: BenchCudaOptions,
  { gpu, torch }: { gpu: ReturnType<typeof gpuNamed>; torch: Torch | Absent },
): Promise<{ kernels: KernelResult[]; attention: AttentionResult[] }> {
  const { dryRun, rounds } = options
  const shapes = lengthShapes({ small: dryRun })
  const before = runTorchAttention(torch, shapes, rounds)
  const kernels = await timeKernels(options, gpu)
  const turns = [before, runTorchAttention(torch, shapes, rounds)]
  return { kernels, attention: compareAttention(shapes, kernels, turns) }
}

async function timeKernels(options: BenchCudaOptions, gpu: ReturnType<typeof gpuNamed>): Promise<KernelResult[]> {
  const { rounds, dryRun, log, only = () => true } = options
  const planner = openSession({ device: 'cpu', threads: 1, instructionSet: '', planned: true })
  const computing: SessionOptions = { device: deviceOf(options), threads: 0, instructionSet: '' }
  const session = openSession(computing)
  const own = await openOwnProducts(session, computing)
  try {
    const results: KernelResult[] = []
    const cases = kernelCases({ small: dryRun }).filter(only)
    for (const [i, definition] of cases.entries()) {
      const timing = { rounds, dryRun, gpu }
      const result = await timeKernel(session, planner, definition, timing)
      const said = 'missing' in result.time ? result.time.missing : `${(1e6 * result.time.seconds).toFixed(1)} us`
      log(`${i + 1}/${cases.length} ${nameOf(definition)}: ${said}`)
      const isTimedTwice = own !== undefined && mayUseCublasLt(definition)
      const again = isTimedTwice ? { own: (await timeKernel(own, planner, definition, timing)).time } : {}
      results.push({ ...result, ...again })
    }
    return results
  } finally {
    own?.dispose()
    session.dispose()
    planner.dispose()
  }
}

async function timeSteps(
  probe: NativeSession,
  { rounds, timedSteps, dryRun, log }: BenchCudaOptions,
  { gpu, torch }: { gpu: ReturnType<typeof gpuNamed>; torch: Torch | Absent },
): Promise<StepResult[]> {
  const results: StepResult[] = []
  const turns = Math.max(1, Math.ceil(rounds / 3))
  for (const [name, step] of Object.entries(readStepCases())) {
    const result = await timeStep(probe, name, step, { rounds: turns, steps: timedSteps, dryRun, gpu, torch })
    log(`${name}: ${'missing' in result.time ? result.time.missing : `${(1e3 * result.time.seconds).toFixed(1)} ms`}`)
    results.push(result)
  }
  return results
}
