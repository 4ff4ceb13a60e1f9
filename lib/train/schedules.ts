/**
 * Learning rates by step, with the names and the arithmetic of transformers' `get_scheduler`. A schedule is a pure
 * function, so a resumed run needs nothing but its step number.
 */
import { AttuneError } from '../errors.js'

export const scheduleNames = [
  'linear',
  'cosine',
  'cosine_with_restarts',
  'cosine_with_min_lr',
  'constant',
  'constant_with_warmup',
  'polynomial',
  'inverse_sqrt',
  'warmup_stable_decay',
] as const
export type ScheduleName = (typeof scheduleNames)[number]

type Ramp = 'linear' | 'cosine' | '1-sqrt'

export type ScheduleOptions =
  | { readonly type: 'linear' | 'constant' | 'constant_with_warmup' }
  /** `numCycles`: waves over the run; half a wave goes from 1 to 0. Default: 0.5. */
  | { readonly type: 'cosine'; readonly numCycles?: number | undefined }
  /** `numCycles`: hard restarts. Default: 1. */
  | { readonly type: 'cosine_with_restarts'; readonly numCycles?: number | undefined }
  /** One of `minLr` (a rate) and `minLrRate` (a share of the learning rate) says where the wave ends. */
  | {
      readonly type: 'cosine_with_min_lr'
      readonly numCycles?: number | undefined
      readonly minLr?: number | undefined
      readonly minLrRate?: number | undefined
    }
  /** Defaults: `lrEnd` 1e-7 (a rate), `power` 1. */
  | { readonly type: 'polynomial'; readonly lrEnd?: number | undefined; readonly power?: number | undefined }
  /** `timescale`: steps. Default: the warm-up steps, 10,000 without warm-up. */
  | { readonly type: 'inverse_sqrt'; readonly timescale?: number | undefined }
  /** Defaults: `numDecaySteps` a tenth of the run, `minLrRatio` 0, ramps 'linear' up and 'cosine' down, `numCycles` 0.5. */
  | {
      readonly type: 'warmup_stable_decay'
      readonly numDecaySteps?: number | undefined
      readonly numStableSteps?: number | undefined
      readonly minLrRatio?: number | undefined
      readonly warmupType?: Ramp | undefined
      readonly decayType?: Ramp | undefined
      readonly numCycles?: number | undefined
    }

export interface ScheduleSteps {
  readonly learningRate: number
  readonly warmupSteps: number
  readonly totalSteps: number
}

/** Gives the learning rate of a step; steps count from 0. */
export type Schedule = (step: number) => number

export function schedule(options: ScheduleName | ScheduleOptions, steps: ScheduleSteps): Schedule {
  const given = typeof options === 'string' ? { type: options } : options
  const factor = factorOf(given, steps)
  return (step) => steps.learningRate * factor(step)
}

function factorOf(options: ScheduleOptions, { learningRate, warmupSteps, totalSteps }: ScheduleSteps): Schedule {
  const warmup = (step: number): number => step / Math.max(1, warmupSteps)
  const progress = (step: number): number => (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
  const afterWarmup =
    (rest: Schedule): Schedule =>
    (step) =>
      step < warmupSteps ? warmup(step) : rest(step)

  switch (options.type) {
    case 'constant':
      return () => 1
    case 'constant_with_warmup':
      return afterWarmup(() => 1)
    case 'linear':
      return afterWarmup((step) => Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps)))
    case 'cosine': {
      const cycles = options.numCycles ?? 0.5
      return afterWarmup((step) => Math.max(0, wave(cycles * 2 * progress(step))))
    }
    case 'cosine_with_restarts': {
      const cycles = options.numCycles ?? 1
      return afterWarmup((step) => (progress(step) >= 1 ? 0 : Math.max(0, wave((cycles * progress(step)) % 1))))
    }
    case 'cosine_with_min_lr': {
      const floor = minimumRate(options, learningRate)
      const cycles = options.numCycles ?? 0.5
      return afterWarmup((step) => Math.max(0, wave(cycles * 2 * progress(step)) * (1 - floor) + floor))
    }
    case 'polynomial': {
      const { lrEnd = 1e-7, power = 1 } = options
      if (lrEnd >= learningRate) {
        throw new AttuneError(
          'invalid-option',
          `expected less than the learning rate ${learningRate}, received ${lrEnd}`,
          {
            where: 'options.schedule.lrEnd',
          },
        )
      }
      return afterWarmup((step) => {
        if (step > totalSteps) return lrEnd / learningRate
        const remaining = 1 - (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
        return ((learningRate - lrEnd) * remaining ** power + lrEnd) / learningRate
      })
    }
    case 'inverse_sqrt': {
      const timescale = options.timescale ?? (warmupSteps || 10_000)
      return afterWarmup((step) => 1 / Math.sqrt((step + timescale - warmupSteps) / timescale))
    }
    case 'warmup_stable_decay': {
      const { minLrRatio: floor = 0, warmupType = 'linear', decayType = 'cosine', numCycles = 0.5 } = options
      const decaySteps = options.numDecaySteps ?? Math.ceil(totalSteps / 10)
      const stableSteps = options.numStableSteps ?? Math.max(0, totalSteps - warmupSteps - decaySteps)
      const decayStart = warmupSteps + stableSteps
      const lifted = (factor: number): number => Math.max(0, factor * (1 - floor) + floor)
      return (step) => {
        if (step < warmupSteps) return lifted(rise(warmupType, warmup(step)))
        if (step < decayStart) return 1
        if (step >= decayStart + decaySteps) return floor
        return lifted(fall(decayType, (step - decayStart) / Math.max(1, decaySteps), numCycles))
      }
    }
  }
}

/** Half a cosine wave: 1 at 0, 0 at 1. */
function wave(x: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * x))
}

function rise(ramp: Ramp, x: number): number {
  if (ramp === 'linear') return x
  return ramp === 'cosine' ? 0.5 * (1 - Math.cos(Math.PI * x)) : 1 - Math.sqrt(1 - x)
}

function fall(ramp: Ramp, x: number, numCycles: number): number {
  if (ramp === 'linear') return 1 - x
  return ramp === 'cosine' ? wave(numCycles * 2 * x) : 1 - Math.sqrt(x)
}

function minimumRate(
  options: { minLr?: number | undefined; minLrRate?: number | undefined },
  learningRate: number,
): number {
  if (options.minLr !== undefined && options.minLrRate === undefined) return options.minLr / learningRate
  if (options.minLrRate !== undefined && options.minLr === undefined) return options.minLrRate
  throw new AttuneError('invalid-option', 'expected one of minLr and minLrRate', { where: 'options.schedule' })
}
