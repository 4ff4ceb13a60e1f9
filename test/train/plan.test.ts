/** What a plan says before a run, and that the model is as before afterwards. */
import { afterAll, describe, expect, it } from 'vitest'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { plan } from '../../lib/train/plan.js'
import { Trainer } from '../../lib/train/trainer.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { allWeights, countingRows, tinyModel, vocabulary } from '../tiny-model.js'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'attune-plan-test-'))
  folders.push(made)
  return made
}

const bits = (weights: Map<string, Float32Array>): Map<string, string> =>
  new Map(
    [...weights].map(([name, data]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
    ]),
  )

const state = async (model: Model) => ({
  weights: bits(await allWeights(model)),
  random: model.randomState,
  parameters: [...model.parameters()],
  adapter: model.adapter,
})

const train = countingRows(24)
const validation = countingRows(6, 2)
/** Seconds: enough for some steps of a tiny model. */
const measure = 0.2

describe('the model after a plan that measured', () => {
  const runs: [string, Omit<TrainOptions, 'train'>][] = [
    ['whole', {}],
    ['an adapter', { adapter: lora({ rank: 2, dropout: 0.1 }) }],
    ['the last layer', { freeze: { lastLayers: 1 } }],
    ['gradual unfreezing', { unfreeze: { every: 2, layers: 1 }, layerwiseDecay: 0.9 }],
    ['several batches a step', { batchSize: 2, gradientAccumulationSteps: 3 }],
  ]
  for (const dtype of ['f32', 'bf16'] as const) {
    it.each(runs)(`is as before, ${dtype}: %s`, async (_, options) => {
      await using model = await tinyModel({ dtype, dropout: 0.1 })
      // A weight that a step with a rate of 0 would turn from -0 to 0.
      const norm = await model.read('model.norm.weight')
      await model.write(
        'model.norm.weight',
        norm.data.map((value, i) => (i % 2 === 0 ? -0 : value)),
      )
      const before = await state(model)
      const planned = await plan(model, train, { validation, ...options, measure })
      expect(planned.seconds).toBeGreaterThan(0)
      expect(await state(model)).toEqual(before)
    })
  }

  it.each(['f32', 'bf16'] as const)('goes on as without the plan, optimizer and all, %s', async (dtype) => {
    const batch = { inputIds: train.map((row) => row.inputIds), labels: train.map((row) => row.labels) }
    const run = async (planned: boolean) => {
      const model = await tinyModel({ dtype, dropout: 0.1 })
      const optimizer = model.optimizer({ learningRate: 1e-3 })
      await optimizer.step(batch)
      if (planned) {
        await plan(model, train, { measure, adapter: lora({ rank: 2 }) })
        await plan(model, train, { measure, freeze: 'head' })
      }
      await optimizer.step(batch)
      const weights = bits(await allWeights(model))
      model.dispose()
      return weights
    }
    expect(await run(true)).toEqual(await run(false))
  })

  it('holds no gradients where it held none', async () => {
    await using model = await tinyModel()
    await plan(model, train, { measure })
    expect(model.memory().gradients).toBe(0)
  })

  it('is saved as an adapter: the base was not changed', async () => {
    await using model = await tinyModel()
    await plan(model, train, { measure })
    await model.addAdapter(lora({ rank: 2 }))
    await expect(model.save(await folder())).resolves.toBeUndefined()
  })
})

describe('a plan', () => {
  it('counts the work of the run from its batches', async () => {
    await using model = await tinyModel({ dropout: 0 })
    const planned = await plan(model, train, { epochs: 2, batchSize: 4, measure: false })
    const rows = train.map(({ inputIds, labels }) => model.work({ inputIds: [inputIds], labels: [labels] }))
    // Products and attention are sums over rows, whatever batches they are in.
    const sum = (of: 'products' | 'attention'): number => 2 * rows.reduce((total, work) => total + work[of], 0)
    expect(planned.work.products).toBe(sum('products'))
    expect(planned.work.attention).toBe(sum('attention'))
    expect(planned.flops).toBe(planned.work.total)
  })

  it('says how long the run takes, in its parts', async () => {
    await using model = await tinyModel()
    const output = join(await folder(), 'run')
    const planned = await plan(model, train, { validation, output, measure })
    const { seconds, training, validation: measuring, saving, measured } = planned.time!
    expect(seconds).toBeCloseTo(training + measuring + saving, 9)
    expect(training).toBeGreaterThan(0)
    expect(measuring).toBeGreaterThan(0)
    expect(saving).toBeGreaterThan(0)
    expect(measured.length).toBeGreaterThan(0)
    expect(planned.base?.on).toBe('validation')
    expect(planned.base?.metrics.loss).toBeCloseTo(Math.log(vocabulary), 0)
    // Nothing of the trial stays behind.
    expect(await readdir(join(output, '..'))).toEqual([])
  })

  it('takes no step where it is not to measure', async () => {
    await using model = await tinyModel()
    const planned = await plan(model, train, { measure: false })
    expect(planned.seconds).toBeUndefined()
    expect(planned.base).toBeUndefined()
  })

  it('has the memory of the run beside what the process holds', async () => {
    await using model = await tinyModel()
    const planned = await plan(model, train, { validation, measure: false })
    expect(planned.process.best).toBe(4 * planned.parameters.trained)
    expect(planned.process.total).toBe(planned.process.baseline + planned.process.best + planned.memory.total)
    expect(planned.process.free).toBeGreaterThan(0)
  })

  it('refuses to measure for no time', () => {
    const model = tinyModel()
    return model.then(async (made) => {
      await expect(async () => plan(made, train, { measure: 0 })).rejects.toMatchObject({ where: 'options.measure' })
      made.dispose()
    })
  })
})

describe('memory of another model', () => {
  it('is what such a model needs', async () => {
    await using model = await tinyModel()
    await using narrow = await tinyModel({ dtype: 'bf16' })
    const sizes = { tokens: 40, sequences: 4, rows: 20 }
    expect(model.planAs({ dtype: 'bf16' }, sizes)).toEqual(narrow.plan(sizes))
    const adapter = lora({ rank: 4 })
    const adapted = model.planAs({ adapter }, sizes)
    const both = model.planAs({ dtype: 'bf16', adapter }, sizes)
    await model.addAdapter(adapter)
    await narrow.addAdapter(adapter)
    expect(adapted).toEqual(model.plan(sizes))
    expect(both).toEqual(narrow.plan(sizes))
  })
})

describe('a run that does not fit', () => {
  it('is planned with what would fit, each with the bytes it takes', async () => {
    await using model = await tinyModel()
    const options = { batchSize: 16, epochs: 1, gradientCheckpointing: false } as const
    const { process, memory } = await plan(model, train, { ...options, measure: false })
    const limit = process.total - Math.floor(memory.activations / 4)
    const planned = await plan(model, train, { ...options, memory: limit })
    expect(planned.seconds).toBeUndefined()
    const smaller = planned.suggestions?.find(({ code }) => code === 'smaller-batch')
    const { batchSize, gradientAccumulationSteps } = smaller!.change!
    expect(batchSize! * gradientAccumulationSteps!).toBeGreaterThanOrEqual(16)
    const then = await plan(model, train, { ...options, batchSize, gradientAccumulationSteps, measure: false })
    expect(smaller!.memory! - planned.process.baseline).toBe(then.memory.total)
    const codes = planned.suggestions?.map(({ code }) => code)
    expect(codes).toEqual(expect.arrayContaining(['bf16', 'lora']))
    const again = planned.suggestions?.find(({ code }) => code === 'gradient-checkpointing')
    const checkpointed = await plan(model, train, { ...options, ...again!.change, measure: false })
    expect(checkpointed.gradientCheckpointing).toBe(true)
    expect(again!.memory! - planned.process.baseline).toBe(checkpointed.memory.total)
    expect(checkpointed.memory.total).toBeLessThan(memory.total)
  })

  it('is told that moments of a byte take less', async () => {
    await using model = await tinyModel({}, { hidden_size: 64 })
    const options = { gradientCheckpointing: false } as const
    const { process, memory } = await plan(model, train, { ...options, measure: false })
    const planned = await plan(model, train, { ...options, memory: process.total - memory.optimizer })
    const narrow = planned.suggestions?.find(({ code }) => code === 'adamw-8bit')
    const coded = await plan(model, train, { ...options, ...narrow!.change, measure: false })
    expect(narrow!.memory! - planned.process.baseline).toBe(coded.memory.total)
    expect(coded.memory.optimizer).toBeLessThan(memory.optimizer / 2)
    expect({ ...coded.memory, optimizer: memory.optimizer, total: memory.total }).toEqual(memory)
  })

  it('computes its layers again where it would not fit otherwise', async () => {
    await using model = await tinyModel()
    const chosen = async (more: Omit<TrainOptions, 'train'>) => {
      const planned = await plan(model, train, { epochs: 1, ...more, measure: false })
      return planned.gradientCheckpointing
    }
    expect(await chosen({})).toBe(false)
    expect(await chosen({ memory: '1MB' })).toBe(true)
    expect(await chosen({ memory: '1MB', gradientCheckpointing: false })).toBe(false)
    expect(await chosen({ gradientCheckpointing: true })).toBe(true)
  })

  it('does not start, and leaves the model for another', async () => {
    await using model = await tinyModel()
    const run = new Trainer(model, { train, adapter: lora({ rank: 2 }), memory: '20MB' }).run()
    await expect(run.next()).rejects.toMatchObject({
      code: 'out-of-memory',
      where: 'options.memory',
      message: expect.stringMatching(/needs \d+ MiB of memory and options\.memory allows 20 MiB/) as string,
    })
    expect(model.adapter).toBeUndefined()
  })

  it.each([['6 apples'], ['-3GB'], [0]])('refuses %s as a size', async (memory) => {
    await using model = await tinyModel()
    expect(() => new Trainer(model, { train, memory })).toThrow(/options.memory/)
  })
})

describe('suggestions', () => {
  const suggested = async (options: Omit<TrainOptions, 'train'>, rows = train) => {
    await using model = await tinyModel()
    const planned = await plan(model, rows, { ...options, measure: false })
    return Object.fromEntries((planned.suggestions ?? []).map((suggestion) => [suggestion.code, suggestion]))
  }

  it('say to prompt first where rows are few', async () => {
    expect(await suggested({})).toHaveProperty('prompt-first')
    expect(await suggested({}, countingRows(60))).toHaveProperty('more-rows')
    expect(await suggested({}, countingRows(250))).toEqual({})
  })

  it('are about epochs, steps, warm-up and rate', async () => {
    const rows = countingRows(250)
    expect(await suggested({ epochs: 40 }, rows)).toMatchObject({ 'fewer-epochs': { change: { epochs: 3 } } })
    expect(await suggested({ epochs: 1, batchSize: 64 }, rows)).toMatchObject({
      'more-steps': { change: { batchSize: 12 } },
    })
    expect(await suggested({ warmupRatio: 0.5 }, rows)).toMatchObject({
      'shorter-warmup': { change: { warmupSteps: 10 } },
    })
    expect(await suggested({ learningRate: 0.1 }, rows)).toMatchObject({
      'learning-rate': { change: { learningRate: 5e-5 } },
    })
    expect(await suggested({ adapter: lora({}), learningRate: 1e-6 }, rows)).toMatchObject({
      'learning-rate': { change: { learningRate: 2e-4 } },
    })
  })

  it('say where the base answers already', async () => {
    await using model = await tinyModel()
    // Soon learned: what is wanted is always the same.
    const rows = countingRows(250).map((row) => ({ ...row, labels: row.labels.map((id) => (id < 0 ? id : 7)) }))
    const trainer = new Trainer(model, { train: rows, maxSteps: 20, batchSize: 8, learningRate: 1e-2 })
    for await (const event of trainer.run()) if (event.type === 'done') expect(event.step).toBe(20)
    const planned = await plan(model, rows, { measure })
    expect(planned.base?.metrics.accuracy).toBeGreaterThan(0.9)
    expect(planned.suggestions).toContainEqual(expect.objectContaining({ code: 'base-answers' }))
  })
})
