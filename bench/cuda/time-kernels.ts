/** Times of kernels on the device of a session. */
import type { NativeProgram, NativeSession } from '../../dist/native.js'
import { copiesFor, estimateRun, summarize, type Estimate } from './estimate.js'
import type { Gpu } from './gpus.js'
import { nameOf, type KernelCase } from './kernel-case.js'
import { classOf } from './kernel-class.js'
import { costOf, KernelInputs, updated, type KernelProgram } from './kernel-program.js'
import { notMeasured, type Absent } from './absent.js'
import type { KernelResult } from './result.js'
import { predictKernel } from './roofline.js'

export interface TimingOptions {
  /** How often few and many runs take turns. */
  readonly rounds: number
  /** Runs all of it once and records no times. */
  readonly dryRun: boolean
  /** Whose data sheet predictions are made from. */
  readonly gpu: Gpu | undefined
}

export async function timeKernel(
  session: NativeSession,
  planner: NativeSession,
  definition: KernelCase,
  options: TimingOptions,
): Promise<KernelResult> {
  const { op, dtype, how = 'copies' } = definition
  const { products, attention, elements, bytes } = costOf(planner, definition)
  const cost = { op, products, attention, elements, bytes }
  const predicted = options.gpu === undefined ? undefined : predictKernel(cost, dtype, options.gpu)
  const time = await timeOrReason(session, definition, options)
  return { ...cost, name: nameOf(definition), class: classOf(op), dtype, how, time, predicted }
}

/** What a device lacks, a kernel or memory, is said in place of the time. */
async function timeOrReason(
  session: NativeSession,
  definition: KernelCase,
  options: TimingOptions,
): Promise<Estimate | Absent> {
  const inputs = new KernelInputs(session, definition)
  try {
    const timed = await ways[definition.how ?? 'copies'](session, inputs, definition, options)
    if (options.dryRun) return notMeasured
    return timed ?? { missing: 'lost in the noise' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'missing-kernel' && code !== 'out-of-memory') throw error
    return { missing: (error as Error).message }
  } finally {
    inputs.dispose()
  }
}

type Way = (
  session: NativeSession,
  inputs: KernelInputs,
  definition: KernelCase,
  options: TimingOptions,
) => Promise<Estimate | undefined>

const ways: Readonly<Record<NonNullable<KernelCase['how']>, Way>> = {
  copies: timeCopies,
  root: timeRoot,
  optimizer: timeOptimizer,
}

async function secondsOf(session: NativeSession, { program, batch }: KernelProgram): Promise<number> {
  const begin = performance.now()
  // With nothing to fetch a run ends when the device has done all of it.
  await session.run(program, batch, { fetch: [] })
  return (performance.now() - begin) / 1000
}

/** A GPU records the launches of a run that comes again: from the third on it is as all that follow. */
async function warmUp(session: NativeSession, program: KernelProgram): Promise<void> {
  for (let i = 0; i < 2; i++) await secondsOf(session, program)
}

async function timeCopies(
  session: NativeSession,
  inputs: KernelInputs,
  _: KernelCase,
  { rounds, dryRun }: TimingOptions,
): Promise<Estimate | undefined> {
  const few = await inputs.copies(1)
  await warmUp(session, few)
  const { copies, pilot } = dryRun ? { copies: 2, pilot: undefined } : await copiesOf(session, inputs, few)
  pilot?.dispose()
  const many = await inputs.copies(copies)
  await warmUp(session, many)
  const times = { few: [] as number[], many: [] as number[] }
  for (let round = 0; round < (dryRun ? 1 : rounds); round++) {
    times.few.push(await secondsOf(session, few))
    times.many.push(await secondsOf(session, many))
  }
  many.program.dispose()
  few.program.dispose()
  return estimateRun({ ...times, copies: { few: 1, many: copies } })
}

/** A first look at how long one run takes says how many there are to be. */
async function copiesOf(
  session: NativeSession,
  inputs: KernelInputs,
  few: KernelProgram,
): Promise<{ copies: number; pilot: NativeProgram }> {
  const some = 4
  const pilot = await inputs.copies(some)
  await warmUp(session, pilot)
  const once = Math.max(0, (await secondsOf(session, pilot)) - (await secondsOf(session, few))) / (some - 1)
  const outputBytes = (pilot.program.arenaBytes({}) - few.program.arenaBytes({})) / (some - 1)
  // The arena grows by giving back the old one first.
  const freeBytes = Math.min(4 * 2 ** 30, (session.deviceMemory?.free ?? 4 * 2 ** 30) / 2)
  return { copies: copiesFor(once, { outputBytes, freeBytes }), pilot: pilot.program }
}

/** The seconds that a profile records of an op: with a launch and a wait, which are short against a loss over a vocabulary. */
async function recorded(session: NativeSession, op: string, work: () => Promise<unknown>): Promise<number> {
  await session.startProfile()
  await work()
  return (await session.takeProfile()).filter((span) => span.op === op).reduce((sum, { seconds }) => sum + seconds, 0)
}

/** Of every round, after one that is not recorded. */
async function recordRounds(
  session: NativeSession,
  op: string,
  work: () => Promise<unknown>,
  { rounds, dryRun }: TimingOptions,
): Promise<number[]> {
  await work()
  const seconds: number[] = []
  for (let round = 0; round < (dryRun ? 1 : rounds); round++) seconds.push(await recorded(session, op, work))
  return seconds
}

async function timeRoot(
  session: NativeSession,
  inputs: KernelInputs,
  { op }: KernelCase,
  options: TimingOptions,
): Promise<Estimate | undefined> {
  const { program, batch } = await inputs.root()
  const run = () => session.run(program, batch, { fetch: [] })
  const estimate = summarize(await recordRounds(session, op, run, options))
  program.dispose()
  return estimate
}

async function timeOptimizer(
  session: NativeSession,
  inputs: KernelInputs,
  definition: KernelCase,
  options: TimingOptions,
): Promise<Estimate | undefined> {
  const { program, batch, parameter } = await inputs.update(updated(definition))
  const groups = [{ parameters: [parameter], betas: [0.9, 0.999] as const, eps: 1e-8, weightDecay: 0.01 }]
  const { op } = definition
  const optimizer = session.createOptimizer(groups, op === 'adamw_8bit' ? op : 'adamw')
  try {
    const random = { seed: 0, draw: 0 }
    const request = { program, batches: [batch], optimizer, learningRates: [1e-4], maxGradNorm: 1, random }
    const run = () => session.step(request)
    // The profile has one name for the update.
    return summarize(await recordRounds(session, op === 'squared_sum' ? op : 'adamw', run, options))
  } finally {
    optimizer.dispose()
    program.dispose()
  }
}
