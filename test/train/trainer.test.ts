import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AttuneError } from '../../lib/errors.js'
import type { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { Trainer } from '../../lib/train/trainer.js'
import { allWeights, countingRows, tinyModel } from '../tiny-model.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-train-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const train = countingRows(60)
const validation = countingRows(12, 2)
const adapter = lora({ rank: 4, alpha: 8, dropout: 0.1 })

async function run(
  model: Model,
  options: Omit<TrainOptions, 'train'> & { train?: TrainOptions['train'] },
  signal?: AbortSignal,
) {
  const events: TrainingEvent[] = []
  for await (const event of new Trainer(model, { train, ...options }).run({ signal })) events.push(event)
  return events
}

function ofType<Type extends TrainingEvent['type']>(events: readonly TrainingEvent[], type: Type) {
  return events.filter((event): event is Extract<TrainingEvent, { type: Type }> => event.type === type)
}

/** Runs until the step is done, then aborts. */
async function runUntil(model: Model, step: number, options: Omit<TrainOptions, 'train'>): Promise<AttuneError> {
  const controller = new AbortController()
  try {
    for await (const event of new Trainer(model, { train, ...options }).run({ signal: controller.signal })) {
      if (event.type === 'step' && event.step === step) controller.abort(new Error('enough'))
      if (event.type === 'step' && event.step > step) throw new Error('a step after the abort')
    }
  } catch (error) {
    if (error instanceof AttuneError) return error
    throw error
  }
  throw new Error('not aborted')
}

describe('Trainer', () => {
  it('learns, evaluates, keeps the best and saves an adapter', async () => {
    await using model = await tinyModel()
    const output = join(directory, 'out')
    const events = await run(model, { validation, adapter, epochs: 4, learningRate: 1e-2, output })
    expect(events[0]?.type).toBe('start')
    expect(events.at(-1)?.type).toBe('done')
    const steps = ofType(events, 'step')
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1))
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss - 0.3)
    const evaluations = ofType(events, 'evaluation')
    expect(evaluations).toHaveLength(4)
    const [done] = ofType(events, 'done')
    expect(done?.validationLoss).toBe(Math.min(...evaluations.map(({ loss }) => loss)))
    expect(await readdir(output)).toEqual(
      expect.arrayContaining([
        'adapter_config.json',
        'adapter_model.safetensors',
        'best',
        'checkpoints',
        'options.json',
        'training-log.jsonl',
      ]),
    )
    const log = (await readFile(join(output, 'training-log.jsonl'), 'utf8')).trim().split('\n')
    expect(log.map((line) => (JSON.parse(line) as TrainingEvent).type)).toEqual(events.map(({ type }) => type))
    expect(await readdir(join(output, 'checkpoints'))).toHaveLength(2)
  })

  it('tells in advance what it does and needs', async () => {
    await using model = await tinyModel()
    const before = [...model.parameters()]
    const options = { adapter, epochs: 2, batchSize: 7, gradientAccumulationSteps: 2 }
    const planned = await plan(model, train, { ...options, measure: false })
    expect([...model.parameters()]).toEqual(before)
    expect(planned).toMatchObject({ rows: 60, stepsPerEpoch: 5, steps: 10, learningRate: 2e-4 })
    const events = await run(model, options)
    const [start] = ofType(events, 'start')
    // What the process and the machine have changes from moment to moment; suggestions are the plan's.
    const { process, suggestions, ...same } = planned
    expect(start).toMatchObject(same)
    // A GPU's memory holds nothing but the model.
    expect(process.baseline > 0).toBe(model.device === 'cpu')
    expect(process.total).toBe(planned.memory.total + process.baseline + process.best)
    expect(suggestions?.map(({ code }) => code)).toEqual(['more-rows', 'more-steps'])
    expect(ofType(events, 'step')).toHaveLength(10)
    const tokens = ofType(events, 'step')
      .slice(0, 5)
      .reduce((sum, step) => sum + step.tokens, 0)
    expect(tokens).toBe(planned.tokens)
  })

  it('uses as many bytes as planned, within 5 %', async () => {
    for (const options of [{ adapter }, {}, { optim: 'adamw_8bit' }, { gradientAccumulationSteps: 2 }] as const) {
      await using model = await tinyModel({}, { hidden_size: 64 })
      const events = await run(model, { ...options, epochs: 2 })
      const planned = ofType(events, 'start')[0]!.memory.total
      const used = Math.max(...ofType(events, 'step').map(({ memory }) => memory))
      expect(Math.abs(used - planned) / planned).toBeLessThan(0.05)
    }
  })

  it('leaves the base as it was, bit for bit, with an adapter', async () => {
    await using model = await tinyModel()
    const before = await allWeights(model)
    await run(model, { adapter, epochs: 1, learningRate: 1e-2 })
    const after = await allWeights(model)
    for (const [name, data] of before) expect(after.get(name), name).toEqual(data)
    expect(after.size).toBeGreaterThan(before.size)
  })

  it.each([
    ['adapter with dropout', { adapter }, {}],
    ['whole model', {}, {}],
    ['moments of a byte, one batch a step', { optim: 'adamw_8bit', gradientAccumulationSteps: 1 }, { hidden_size: 64 }],
  ] as const)('goes on from an aborted run with the same bits: %s', async (_, options, config) => {
    const common = {
      validation,
      epochs: 3,
      evaluateEvery: 5,
      learningRate: 5e-3,
      gradientAccumulationSteps: 2,
      ...options,
    } as const
    await using whole = await tinyModel({ dropout: true }, config)
    const events = await run(whole, { ...common, output: join(directory, 'whole') })

    const output = join(directory, 'parts')
    await using first = await tinyModel({ dropout: true }, config)
    const error = await runUntil(first, 5, { ...common, output })
    expect(error).toMatchObject({ code: 'aborted', where: join(output, 'checkpoints', 'step-00000005') })
    expect((error.cause as Error).message).toBe('enough')
    await using second = await tinyModel({ dropout: true }, config)
    const rest = await run(second, { ...common, output, resume: 'auto' })
    expect(ofType(rest, 'start')[0]).toMatchObject({ step: 5, resumedFrom: error.where })
    // A name of the first run's adapter parameters is the second's as well.
    const expected = await allWeights(whole)
    const actual = await allWeights(second)
    expect([...actual.keys()]).toEqual([...expected.keys()])
    for (const [name, data] of expected) expect(actual.get(name), name).toEqual(data)
    const losses = (list: readonly TrainingEvent[]) =>
      ofType(list, 'step')
        .filter(({ step }) => step > 5)
        .map(({ loss }) => loss)
    expect(losses(rest)).toEqual(losses(events))
    expect(ofType(rest, 'evaluation').map(({ loss }) => loss)).toEqual(
      ofType(events, 'evaluation').map(({ loss }) => loss),
    )
  })

  it('refuses a checkpoint of another run, naming what differs', async () => {
    const output = join(directory, 'out')
    await using model = await tinyModel()
    await runUntil(model, 3, { adapter, output })
    await using other = await tinyModel()
    await expect(run(other, { adapter, output, resume: 'auto', batchSize: 4 })).rejects.toMatchObject({
      code: 'invalid-checkpoint',
      message: expect.stringContaining('batchSize was 8 and is 4') as string,
    })
    await using coded = await tinyModel()
    await expect(run(coded, { adapter, output, resume: 'auto', optim: 'adamw_8bit' })).rejects.toThrow(/optim was/)
    await using third = await tinyModel()
    const rows = countingRows(60, 9)
    await expect(run(third, { train: rows, adapter, output, resume: 'auto' })).rejects.toThrow(
      'the training rows are others',
    )
  })

  it('refuses a damaged checkpoint', async () => {
    const output = join(directory, 'out')
    await using model = await tinyModel()
    const { where } = await runUntil(model, 3, { adapter, output })
    const copy = join(directory, 'copy')
    await cp(where!, copy, { recursive: true })
    await rm(join(copy, 'optimizer.safetensors'))
    await using other = await tinyModel()
    await expect(run(other, { adapter, resume: copy })).rejects.toMatchObject({ code: 'file-not-found' })
  })

  it('moves the checkpoints of an earlier run aside and says so', async () => {
    const output = join(directory, 'out')
    await using model = await tinyModel()
    await runUntil(model, 3, { adapter, output })
    await using other = await tinyModel()
    const events = await run(other, { adapter, output, epochs: 1 })
    expect(ofType(events, 'warning').map(({ code }) => code)).toContain('earlier-run')
    expect(existsSync(join(output, 'checkpoints.earlier', 'step-00000003'))).toBe(true)
  })

  it('stops early and puts the best state back', async () => {
    await using model = await tinyModel()
    // Rows without rule: learning them by heart makes the validation rows worse.
    const noise = (seed: number) =>
      countingRows(16, seed).map(({ inputIds }, row) => {
        const ids = inputIds.map((id, i) => (id * (row + 3) + i * i * (seed + row)) % 64)
        return { inputIds: ids, labels: ids }
      })
    const events = await run(model, {
      train: noise(3),
      validation: noise(5),
      epochs: 40,
      learningRate: 1e-2,
      earlyStopping: { patience: 4 },
    })
    const [done] = ofType(events, 'done')
    expect(done).toMatchObject({ reason: 'early-stopping' })
    const evaluations = ofType(events, 'evaluation')
    expect(done!.bestStep).toBeLessThan(evaluations.at(-1)!.step)
    expect(ofType(events, 'warning').map(({ code }) => code)).toEqual(
      expect.arrayContaining(['few-rows', 'many-epochs', 'overfitting']),
    )
    const report = await evaluate(model, noise(5), { metrics: ['loss'] })
    expect(Math.abs((report.metrics.loss ?? NaN) - done!.validationLoss!)).toBeLessThan(1e-5)
  })

  it('stops at a loss that is no number, with the weights as they were', async () => {
    await using model = await tinyModel()
    const events: TrainingEvent[] = []
    const trainer = new Trainer(model, {
      train,
      learningRate: 1e30,
      maxGradNorm: 0,
      schedule: 'constant',
      output: join(directory, 'out'),
    })
    const failed = (async () => {
      for await (const event of trainer.run()) events.push(event)
    })()
    await expect(failed).rejects.toMatchObject({
      code: 'nan-loss',
      message: expect.stringMatching(/loss of step \d+ .*learningRate/) as string,
    })
    expect(existsSync(join(directory, 'out', 'model.safetensors'))).toBe(false)
  })

  it('trains only what is not frozen', async () => {
    await using model = await tinyModel()
    const before = await allWeights(model)
    await run(model, { freeze: ['model.embed_tokens', 'model.layers.0'], epochs: 1 })
    const after = await allWeights(model)
    for (const [name, data] of before) {
      const frozen = name.startsWith('model.embed_tokens') || name.startsWith('model.layers.0')
      if (frozen) expect(after.get(name), name).toEqual(data)
      else expect(after.get(name), name).not.toEqual(data)
    }
  })

  it.each<[string, Partial<TrainOptions>, string]>([
    ['no rows', { train: [] }, 'empty-dataset'],
    ['nothing to learn', { train: [{ inputIds: [1, 2, 3], labels: [-100, -100, -100] }] }, 'all-labels-masked'],
    [
      'a row longer than the model takes',
      { train: [{ inputIds: new Int32Array(65), labels: new Int32Array(65) }] },
      'sequence-too-long',
    ],
    ['a foreign token', { train: [{ inputIds: [1, 64], labels: [1, 2] }] }, 'invalid-batch'],
    ['ids without labels', { train: [{ inputIds: [1, 2], labels: [1] }] }, 'invalid-batch'],
    ['a pattern that freezes nothing', { freeze: ['model.layer'] }, 'no-match'],
    ['more warm-up than steps', { warmupSteps: 1000 }, 'invalid-option'],
  ])('refuses before it begins: %s', async (_, options, code) => {
    await using model = await tinyModel()
    const output = join(directory, 'out')
    await expect(run(model, { output, ...options })).rejects.toMatchObject({ code })
    expect(existsSync(output)).toBe(false)
  })

  it('refuses wrong options when it is made', async () => {
    await using model = await tinyModel()
    const make = (options: object) => () => new Trainer(model, { train, ...options })
    expect(make({ learningrate: 1 })).toThrow('options.learningrate is no option. Did you mean "learningRate"?')
    expect(make({ learningRate: -1 })).toThrow('options.learningRate: expected a number above 0, received -1')
    expect(make({ schedule: 'linaer' })).toThrow(/options.schedule: expected one of linear, .*received 'linaer'/)
    expect(make({ earlyStopping: { patience: 2 } })).toThrow('options.earlyStopping needs options.validation')
    expect(make({ adapter, freeze: 'head' })).toThrow('options.freeze')
  })
})
