/** Steps of training of whole models through the public API, in turns with PyTorch's. */
import { lora, Model } from '../../dist/index.js'
import type { NativeSession } from '../../dist/native.js'
import { cudaGraphsVariable } from '../../dist/session.js'
import { summarize, type Estimate } from './estimate.js'
import type { Gpu } from './gpus.js'
import type { KernelDtype } from './kernel-class.js'
import { isAbsent, notMeasured, type Absent } from './absent.js'
import type { PeerResult, StepResult } from './result.js'
import { predictStep } from './roofline.js'
import { batchOf, fittingRows, smallCase, tokensOf, type StepCase } from './step-cases.js'
import { stepCosts } from './step-costs.js'
import { runTorch, variantsOf, type Torch, type TorchRun } from './torch.js'
import { withVariable } from './with-variable.js'

export interface StepOptions {
  /** How often attune and PyTorch take turns. */
  readonly rounds: number
  /** Timed steps of a turn. */
  readonly steps: number
  readonly dryRun: boolean
  readonly gpu: Gpu | undefined
  readonly torch: Torch | Absent
}

const dtype: KernelDtype = 'bf16'

/** Of free memory, for what is not in the plan: inputs, copies that the driver makes. */
const usable = 0.92

interface Turn {
  readonly seconds: readonly number[]
  readonly peakBytes: number | undefined
}

/** `probe`: a session of the device that stays open, and says what is free. */
export async function timeStep(
  probe: NativeSession,
  name: string,
  given: StepCase,
  options: StepOptions,
): Promise<StepResult> {
  const { rounds, dryRun, gpu, torch } = options
  const whole = dryRun ? smallCase(given) : given
  const withRows = (batch: number): StepCase => ({ ...whole, batch })
  const free = (probe.deviceMemory?.free ?? Infinity) * usable
  const step = withRows(fittingRows(whole.batch, (rows) => stepCosts(withRows(rows), dtype).memory, free))
  const { costs, memory: plannedBytes } = stepCosts(step, dtype)
  const flops = costs.reduce((sum, { products, attention, elements }) => sum + products + attention + elements, 0)
  const variants = 'missing' in torch ? [] : variantsOf(step)
  const [withGraphs, withoutGraphs] = [new Contender('on'), new Contender('off')]
  const peers = new Map<string, TorchRun[]>(variants.map((variant) => [variant, []]))
  for (let round = 0; round < (dryRun ? 1 : rounds); round++) {
    for (const contender of [withGraphs, withoutGraphs]) await contender.take(probe, step, options)
    for (const [variant, runs] of peers) {
      if (!('missing' in torch)) runs.push(runTorch(torch, { name, variant, rows: step.batch, ...options }))
    }
  }
  return {
    case: name,
    title: given.title,
    dtype,
    rows: step.batch,
    tokens: tokensOf(step),
    flops,
    time: withGraphs.time(dryRun),
    timeWithoutGraphs: withoutGraphs.time(dryRun),
    plannedBytes,
    peakBytes: withGraphs.peakBytes,
    predictedSeconds: gpu === undefined ? undefined : predictStep(costs, dtype, gpu).seconds,
    peers: [...peers].map(([variant, runs]) => peerResult(variant, runs, dryRun)),
  }
}

/** attune, with steps recorded as CUDA graphs or without. */
class Contender {
  readonly #turns: Turn[] = []
  /** Why it has no turns: it is not tried again. */
  #missing: Absent | undefined

  constructor(private readonly graphs: 'on' | 'off') {}

  async take(probe: NativeSession, step: StepCase, options: StepOptions): Promise<void> {
    if (this.#missing !== undefined) return
    const turn = await withVariable(cudaGraphsVariable, this.graphs, () => attuneTurn(probe, step, options))
    if (isAbsent(turn)) this.#missing = turn
    else this.#turns.push(turn)
  }

  time(dryRun: boolean): Estimate | Absent {
    return this.#missing ?? (dryRun ? notMeasured : estimateOf(this.#turns))
  }

  get peakBytes(): number | undefined {
    return largest(this.#turns.map(({ peakBytes }) => peakBytes))
  }
}

/** The medians of turns stand for themselves. */
function estimateOf(turns: readonly Turn[]): Estimate | Absent {
  return summarize(turns.flatMap(({ seconds }) => seconds)) ?? { missing: 'lost in the noise' }
}

function peerResult(variant: string, runs: readonly TorchRun[], dryRun: boolean): PeerResult {
  const failed = runs.find((run): run is Absent => 'missing' in run)
  if (failed !== undefined) return { variant, time: failed, peakBytes: undefined }
  const turns = runs.filter((run): run is Exclude<TorchRun, Absent> => !('missing' in run))
  return {
    variant,
    time: dryRun ? notMeasured : estimateOf(turns),
    peakBytes: largest(turns.map(({ peakBytes }) => peakBytes)),
  }
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

async function attuneTurn(
  probe: NativeSession,
  step: StepCase,
  { steps, dryRun }: StepOptions,
): Promise<Turn | Absent> {
  const before = probe.deviceMemory?.free
  try {
    await using model = await Model.fromConfig(step.config, { device: probe.device, dtype, seed: 0 })
    if (step.adapter !== undefined) await model.addAdapter(lora({ ...step.adapter, dropout: 0 }))
    const optimizer = model.optimizer({ kind: 'adamw', learningRate: 1e-5 })
    const batch = batchOf(step, model.task)
    const seconds: number[] = []
    const [warmup, timed] = dryRun ? [0, 1] : [3, steps]
    // A GPU may still be updating when a step resolves. The next one waits for that, so steps in a row take what they take.
    for (let i = -warmup; i < timed; i++) {
      const begin = performance.now()
      await optimizer.step(batch)
      if (i >= 0) seconds.push((performance.now() - begin) / 1000)
    }
    const after = model.deviceMemory?.free
    return { seconds, peakBytes: before === undefined || after === undefined ? undefined : before - after }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'missing-kernel' && code !== 'out-of-memory') throw error
    return { missing: (error as Error).message }
  }
}
