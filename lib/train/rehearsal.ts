/** A few real steps of a run, with a learning rate of 0, and a few validation rows: how long the run takes, and what the model knows before. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { requireNotAborted } from '../abort.js'
import { Dataset } from '../data/dataset.js'
import { AttuneError } from '../errors.js'
import { measureExamples } from '../evaluate/measure-examples.js'
import type { Model } from '../models/model.js'
import { tokensOf } from './batch-sizes.js'
import { timesDue } from './course-counts.js'
import type { PreparedRun } from './prepared-course.js'
import {
  addWork,
  batchesOfStep,
  countSteps,
  evenly,
  examplesAt,
  noWork,
  wholeRows,
  type WorkOfStep,
} from './run-work.js'
import { StagedOptimizer } from './staged-optimizer.js'
import { averageTime, fitTime, paceOf, timeOf, type MeasuredStep } from './time-fit.js'
import type { SettledTrainOptions } from './train-options.js'
import type { BaseResult, TimeEstimate } from './training-plan.js'
import { countParameters } from './trained-parameters.js'

export interface Rehearsal {
  readonly time: TimeEstimate | undefined
  readonly base: BaseResult | undefined
  /** Of the process beside the model, once steps were taken. */
  readonly baseline: number
}

export interface RehearsalOptions {
  /** Seconds it may take, as long as a step does not take longer. */
  readonly budget: number
  readonly signal?: AbortSignal | undefined
}

/** Large steps are measured by their first micro-batches. */
const partOfBudget = 0.25
const mostSteps = 256
/** Of the rows that the model is measured on before it is trained. */
const mostRows = 256
const writtenAtMost = 64 * 2 ** 20

/** The model's weights are as before afterwards, to the bit; all else is for `model.unchanged` to put back. */
export async function rehearse(
  model: Model,
  prepared: PreparedRun,
  options: SettledTrainOptions,
  { budget, signal }: RehearsalOptions,
): Promise<Rehearsal> {
  const optimizer = new StagedOptimizer(model, options, {
    learningRate: prepared.plan.learningRate,
    epochOf: (step) => prepared.steps.epochOf(step),
  })
  try {
    const { base, passSeconds } = await measureBase(model, prepared, options, budget / 4, signal)
    const steps = await measureSteps(model, prepared, options, optimizer, (budget * 3) / 4, signal)
    const baseline = process.memoryUsage.rss() - model.memory().total
    if (steps === undefined) return { time: undefined, base, baseline }
    const saving = await measureSaving(model, prepared, options, signal)
    const evaluations = prepared.validation === undefined ? 0 : timesDue(options.evaluateEvery, prepared.steps)
    const validation = evaluations * passSeconds
    const seconds = steps.training + validation + saving
    return { time: { seconds, ...steps, validation, saving }, base, baseline }
  } finally {
    optimizer.optimizer.dispose()
  }
}

interface MeasuredBase {
  readonly base: BaseResult | undefined
  /** Of measuring all validation rows. */
  readonly passSeconds: number
}

/** The validation rows, or some training rows, before training. The first rows warm up, and say how many more there is time for. */
async function measureBase(
  model: Model,
  { train, validation, metrics, plan }: PreparedRun,
  options: SettledTrainOptions,
  budget: number,
  signal: AbortSignal | undefined,
): Promise<MeasuredBase> {
  const data = validation ?? train
  const rows = validation !== undefined && options.validation instanceof Dataset ? options.validation.rows : undefined
  // Answers are put together from all windows of a context, and some of them are not all.
  const lossOnly = model.task === 'question-answering'
  const names = lossOnly ? ['loss'] : metrics?.names
  const measure = async (count: number) => {
    const places = wholeRows(data, evenly(data.examples.length, count))
    const start = performance.now()
    const measured = await measureExamples(model, examplesAt(data, places), {
      ...(names === undefined ? {} : { metrics: names }),
      ...(lossOnly ? {} : { rows }),
      tokensPerBatch: plan.largestBatch.tokens,
      signal,
    })
    return { ...measured, seconds: (performance.now() - start) / 1000, tokens: tokensOf(data, places) }
  }
  const first = await measure(4)
  const more = Math.floor((4 * budget) / (2 * first.seconds))
  const sample = more > 4 ? await measure(Math.min(mostRows, more)) : first
  const passSeconds = (sample.seconds * data.tokens) / Math.max(1, sample.tokens)
  const base = {
    on: validation === undefined ? ('training' as const) : ('validation' as const),
    rows: sample.rows,
    metrics: sample.metrics,
  }
  return { base, passSeconds: validation === undefined ? 0 : passSeconds }
}

type StepTimes = Pick<TimeEstimate, 'training' | 'pace' | 'measured'>

async function measureSteps(
  model: Model,
  prepared: PreparedRun,
  options: SettledTrainOptions,
  optimizer: StagedOptimizer,
  budget: number,
  signal: AbortSignal | undefined,
): Promise<StepTimes | undefined> {
  const { train, steps, loss } = prepared
  const counted = await countStages(model, prepared, optimizer)
  const start = performance.now()
  const elapsed = (): number => (performance.now() - start) / 1000
  const take = async ({ step, work }: WorkOfStep, most: number): Promise<MeasuredStep | undefined> => {
    requireNotAborted(signal, 'planning was aborted')
    await optimizer.enter(optimizer.stageAt(step))
    const all = batchesOfStep(model, train, steps, step)
    const batches = all.slice(0, Math.max(1, most))
    const begin = performance.now()
    try {
      const rates = optimizer.rates(0)
      await optimizer.optimizer.step(batches, { ...loss, learningRate: rates, maxGradNorm: options.maxGradNorm })
    } catch (error) {
      if (error instanceof AttuneError && error.code === 'nan-loss') return undefined
      throw error
    }
    const seconds = (performance.now() - begin) / 1000
    const flops =
      batches.length === all.length
        ? work.total
        : batches.map((batch) => model.work(batch, loss)).reduce(addWork, noWork).total
    return { flops, seconds }
  }
  const ordered = [...counted.steps].sort((a, b) => a.work.total - b.work.total)
  const largest = ordered.at(-1)
  if (largest === undefined) return undefined
  // Memory is touched for the first time in these.
  const warm = await take(largest, 1)
  if (elapsed() < budget / 2) await take(largest, 1)
  const rate = warm === undefined ? 0 : warm.seconds / warm.flops
  const measured: MeasuredStep[] = []
  let whole = true
  for (let i = 0; i < mostSteps && (i === 0 || elapsed() < budget); i++) {
    const chosen = ordered[Math.floor(radicalInverse(i + 1) * ordered.length)] ?? largest
    // Nothing is gained by another step where the first alone took all the time there is.
    if (i === 0 && warm !== undefined && elapsed() > budget) measured.push(warm)
    else {
      const batches = steps.microBatches(chosen.step).length
      const affordable = Math.floor((budget * partOfBudget * batches) / Math.max(rate * chosen.work.total, 1e-9))
      // Fewer and more in turns: what each micro-batch takes and what each step takes are then told from each other.
      const most = affordable >= batches ? batches : Math.ceil(affordable / (1 + (i % 2)))
      if (most < batches) whole = false
      const result = await take(chosen, most)
      if (result !== undefined) measured.push(result)
    }
  }
  if (measured.length === 0) return undefined
  const fit = whole ? averageTime(measured) : fitTime(measured)
  return { training: timeOf(fit, steps.steps, counted.total), pace: paceOf(measured, fit), measured }
}

/** Van der Corput's sequence in base 2: wherever it is cut off, it has spread evenly from 0 to 1. */
function radicalInverse(index: number): number {
  let value = 0
  for (let part = 0.5, rest = index; rest > 0; part /= 2, rest >>= 1) value += (rest & 1) * part
  return value
}

/** The work of the run's steps, each with what is trained at its stage. */
async function countStages(
  model: Model,
  { train, steps, loss }: PreparedRun,
  optimizer: StagedOptimizer,
): Promise<{ total: number; steps: WorkOfStep[] }> {
  const counted = { total: 0, steps: new Array<WorkOfStep>() }
  for (let from = 0, to = 0; from < steps.steps; from = to) {
    const stage = optimizer.stageAt(from)
    to = stage === optimizer.stages - 1 ? steps.steps : from + 1
    while (to < steps.steps && optimizer.stageAt(to) === stage) to++
    await optimizer.enter(stage)
    const part = countSteps(model, train, steps, loss, [from, to])
    counted.total += part.total.total
    counted.steps.push(...part.steps)
  }
  return counted
}

/** Seconds that writing checkpoints and results takes, as some trained weights are written. */
async function measureSaving(
  model: Model,
  { steps, validation }: PreparedRun,
  options: SettledTrainOptions,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { output, checkpointEvery, evaluateEvery } = options
  if (output === undefined || signal?.aborted === true) return 0
  const { trained, total } = countParameters(model)
  const result = model.adapter === undefined ? total * (model.dtype === 'bf16' ? 2 : 4) : trained * 4
  // Weights, both moments and the weights again; each evaluation may be the best so far.
  const checkpoints = timesDue(checkpointEvery, steps) * trained * 16
  const best = (validation === undefined ? 0 : timesDue(evaluateEvery, steps)) * (trained * 4 + result)
  const folder = await mkdtemp(join(await existing(dirname(resolve(output))), '.attune-plan-'))
  try {
    const names: string[] = []
    let bytes = 0
    for (const { name, shape, trainable } of model.parameters()) {
      if (!trainable || bytes >= writtenAtMost) continue
      names.push(name)
      bytes += 4 * shape.reduce((product, size) => product * size, 1)
    }
    const start = performance.now()
    await model.saveTrainable(join(folder, 'weights.safetensors'), names)
    const seconds = (performance.now() - start) / 1000
    return ((checkpoints + best + result) * seconds) / Math.max(1, bytes)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The folder, or the nearest one above it that exists. */
async function existing(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined)
  return found?.isDirectory() === true || dirname(folder) === folder ? folder : existing(dirname(folder))
}
