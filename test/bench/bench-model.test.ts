import { describe, expect, test } from 'vitest'
import { benchModel } from '../../lib/bench/bench-model.js'
import type { MeasuredWork } from '../../lib/bench/bench-result.js'
import { lora } from '../../lib/nn/lora.js'
import { phases, phasesOf } from '../../lib/profile/phases.js'
import { kernelSeconds } from '../../lib/profile/profile.js'
import { allWeights, tinyModel } from '../tiny-model.js'
import { benchModelOf, benchModels } from './bench-models.js'

const quick = { batchSize: 2, maxLength: 8, steps: 2, warmup: 1, maxNewTokens: 3 }

function expectFigures(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    expect(Number.isFinite(value) && value > 0, `${name}: ${value}`).toBe(true)
  }
}

function expectMeasured({ seconds, tokensPerSecond, flops, flopsPerSecond, shareOfPeak }: MeasuredWork): void {
  expectFigures({ ...seconds, tokensPerSecond, flops, flopsPerSecond, shareOfPeak })
  expect(seconds.times).toBe(2)
  expect(seconds.fastest).toBeLessThanOrEqual(seconds.median)
  expect(seconds.median).toBeLessThanOrEqual(seconds.slowest)
}

describe('benchModel', () => {
  test.each(Object.keys(benchModels))('measures a model of every task: %s', async (name) => {
    await using model = await benchModelOf(name)
    const result = await benchModel(model, { ...quick, profile: true })
    expect(result).toMatchObject({ task: model.task, dtype: model.dtype, threads: 1 })
    expectMeasured(result.training)
    expectMeasured(result.evaluation)
    const { parameters, gradients, optimizer, activations } = result.training.memory
    expectFigures({ parameters, gradients, optimizer, activations, peak: result.peak, ...result.parameters })
    expect(result.training.residentBytes).toBeGreaterThan(result.training.memory.total)

    const { profile } = result
    const { step } = profile!
    expect(new Set(phasesOf(step))).toEqual(new Set(phases))
    expect(kernelSeconds(step)).toBeLessThanOrEqual(step.seconds)
    expect(profile!.outside).toBeGreaterThanOrEqual(0)
    const inKernels = profile!.ops.reduce((sum, { seconds }) => sum + seconds, 0)
    expect(inKernels).toBeCloseTo(profile!.seconds * (1 - profile!.outside), 9)
    expect(phases.reduce((sum, phase) => sum + profile!.phases[phase], 0)).toBeCloseTo(inKernels, 9)
    const runs = profile!.ops.reduce((sum, op) => sum + op.runs, 0)
    expect(runs).toBe(step.kernels.length)
  })

  test.each(['causal-lm', 'seq2seq-lm'])('has it write, one sequence and several: %s', async (name) => {
    await using model = await benchModelOf(name)
    const { generation } = await benchModel(model, quick)
    expect(generation.map(({ sequences }) => sequences)).toEqual([1, 2])
    for (const measured of generation) {
      expect(measured).toMatchObject({ promptTokens: 8, newTokens: 3 })
      expectFigures({ ...measured })
    }
  })

  test('other models write nothing, and what is not asked for is not recorded', async () => {
    await using model = await benchModelOf('single labels')
    const { generation, profile } = await benchModel(model, quick)
    expect(generation).toEqual([])
    expect(profile).toBeUndefined()
  })

  test('leaves the model as it was', async () => {
    await using model = await tinyModel()
    const before = { weights: await allWeights(model), random: model.randomState, memory: model.memory() }
    await benchModel(model, { ...quick, profile: true })
    expect(await allWeights(model)).toEqual(before.weights)
    expect(model.randomState).toEqual(before.random)
    expect(model.memory().optimizer).toBe(before.memory.optimizer)
  })

  test('measures an adapter where the model has one', async () => {
    await using model = await tinyModel()
    await model.addAdapter(lora({ rank: 2 }))
    const { parameters, training } = await benchModel(model, quick)
    expect(parameters.trained).toBeGreaterThan(0)
    expect(parameters.trained).toBeLessThan(parameters.total)
    expect(training.memory.gradients).toBe(4 * parameters.trained)
  })

  test('cuts rows and answers to what the model can take', async () => {
    await using model = await tinyModel({}, { max_position_embeddings: 12 })
    const { batch, generation } = await benchModel(model, { ...quick, maxLength: 500, maxNewTokens: 100 })
    expect(batch).toEqual({ rows: 2, length: 12, targetLength: undefined })
    expect(generation[0]).toMatchObject({ promptTokens: 6, newTokens: 6 })
  })

  test('refuses what is no option, and ends where it is told to', async () => {
    await using model = await tinyModel()
    await expect(benchModel(model, { steps: 0 })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.steps',
    })
    const signal = AbortSignal.abort()
    await expect(benchModel(model, { ...quick, signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
