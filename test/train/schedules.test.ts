import { describe, expect, it } from 'vitest'
import { schedule, type ScheduleOptions } from '../../lib/train/schedules.js'
import { goldensFolder, readGolden } from '../shared-goldens.js'

interface Cases {
  readonly tolerance: { readonly rel: number; readonly abs: number }
  readonly cases: readonly {
    readonly name: string
    readonly lr: number
    readonly warmup_steps: number
    readonly total_steps: number
    readonly options: Readonly<Record<string, number>>
    readonly lrs: readonly number[]
  }[]
}

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

describe.skipIf(goldensFolder === undefined)('schedules against transformers.get_scheduler', () => {
  const { cases, tolerance } =
    goldensFolder === undefined
      ? { cases: [], tolerance: { rel: 0, abs: 0 } }
      : readGolden<Cases>('schedules', 'cases.json')
  for (const { name, lr, warmup_steps, total_steps, options, lrs } of cases) {
    it(`${name} ${JSON.stringify(options)} over ${lrs.length} steps, ${warmup_steps} of warm-up`, () => {
      const given = { type: name, ...Object.fromEntries(Object.entries(options).map(([k, v]) => [camel(k), v])) }
      const rate = schedule(given as ScheduleOptions, {
        learningRate: lr,
        warmupSteps: warmup_steps,
        totalSteps: total_steps,
      })
      expect(lrs.length).toBeGreaterThan(0)
      lrs.forEach((expected, step) => {
        expect(Math.abs(rate(step) - expected), `step ${step}`).toBeLessThanOrEqual(
          Math.abs(expected) * tolerance.rel + tolerance.abs,
        )
      })
    })
  }
})

describe('schedules', () => {
  it('refuses a minimum given twice', () => {
    const steps = { learningRate: 1e-3, warmupSteps: 0, totalSteps: 10 }
    expect(() => schedule({ type: 'cosine_with_min_lr', minLr: 1e-5, minLrRate: 0.1 }, steps)).toThrow('one of minLr')
  })

  it('survives a run that is all warm-up', () => {
    for (const type of ['linear', 'cosine', 'polynomial', 'warmup_stable_decay'] as const) {
      const rate = schedule({ type }, { learningRate: 1, warmupSteps: 4, totalSteps: 4 })
      for (let step = 0; step <= 4; step++) expect(Number.isFinite(rate(step)), `${type} ${step}`).toBe(true)
    }
  })
})
