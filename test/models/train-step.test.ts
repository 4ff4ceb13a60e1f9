import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { refusal } from '../refusal.js'
import { readFileTensors } from './safetensors-file.js'
import { temporaryDirectory, tinyGpt2, tinyLlama } from './fixture-models.js'

const rows = [
  [1, 2, 3, 4, 5, 6, 7],
  [8, 9, 10],
  [11, 12, 13, 14],
]
const batch = { inputIds: rows, labels: rows }
const masked = { inputIds: [[1, 2, 3]], labels: [[1, -100, -100]] }

async function weights(model: Model): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>()
  for (const { name } of model.parameters()) all.set(name, (await model.read(name)).data)
  return all
}

async function train(model: Model, steps: number): Promise<number[]> {
  const optimizer = model.optimizer({ learningRate: 1e-2 })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push((await optimizer.step(batch, { maxGradNorm: 1 })).loss)
  optimizer.dispose()
  return losses
}

describe('a step', () => {
  test.each(['f32', 'bf16'] as const)('in %s brings the loss down and says its tokens', async (dtype) => {
    await using model = await Model.fromConfig(tinyGpt2, { dtype, dropout: false })
    const optimizer = model.optimizer({ learningRate: 1e-2 })
    const first = await optimizer.step(batch)
    expect(first.tokens).toBe(6 + 2 + 3)
    expect(first.loss).toBeCloseTo(Math.log(37), 0)
    for (let i = 0; i < 30; i++) await optimizer.step(batch)
    expect((await optimizer.step(batch)).loss).toBeLessThan(first.loss / 4)
    expect(optimizer.steps).toBe(32)
  })

  test('over micro-batches is that over all their tokens', async () => {
    await using whole = await Model.fromConfig(tinyLlama)
    await using parts = await Model.fromConfig(tinyLlama)
    const one = await whole.optimizer({ learningRate: 1e-2 }).step(batch, { maxGradNorm: 0.1 })
    const micro = rows.map((row) => ({ inputIds: [row], labels: [row] }))
    const several = await parts.optimizer({ learningRate: 1e-2 }).step([...micro, masked], { maxGradNorm: 0.1 })
    expect(several.tokens).toBe(one.tokens)
    expect(several.loss).toBeCloseTo(one.loss, 6)
    expect(several.gradNorm).toBeCloseTo(one.gradNorm, 5)
    const after = await weights(whole)
    for (const [name, data] of await weights(parts)) {
      expect(Math.max(...data.map((value, i) => Math.abs(value - after.get(name)![i]!)))).toBeLessThan(1e-4)
    }
  })

  test('that meets a number that is not finite changes no weight and names itself', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const optimizer = model.optimizer()
    await optimizer.step(batch)
    const norm = (await model.read('transformer.ln_f.weight')).data
    norm[0] = NaN
    await model.write('transformer.ln_f.weight', norm)
    const before = await weights(model)
    await expect(optimizer.step(batch)).rejects.toMatchObject({ code: 'nan-loss', where: 'step 1' })
    expect(await weights(model)).toEqual(before)
    expect(optimizer.steps).toBe(1)
  })

  test('with rate 0 leaves the weights, and moves the moments', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const before = await weights(model)
    await model.optimizer().step(batch, { learningRate: 0 })
    expect(await weights(model)).toEqual(before)
  })

  test('refuses batches without targets, and goes on', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const optimizer = model.optimizer()
    await expect(optimizer.step(masked)).rejects.toMatchObject({ code: 'all-labels-masked', where: 'batch' })
    await expect(optimizer.step([])).rejects.toMatchObject({ code: 'all-labels-masked' })
    await expect(model.gradients(masked)).rejects.toMatchObject({ code: 'all-labels-masked' })
    await expect(optimizer.step({ inputIds: rows })).rejects.toMatchObject({ code: 'invalid-batch' })
    const long = [Array.from({ length: 17 }, () => 1)]
    await expect(optimizer.step({ inputIds: long, labels: long })).rejects.toMatchObject({ code: 'sequence-too-long' })
    expect(await model.evaluateBatch(masked)).toMatchObject({ lossSum: 0, tokens: 0, correct: 0 })
    expect((await optimizer.step(batch)).tokens).toBe(11)
  })

  test('moves only what is trained', async () => {
    await using model = await Model.fromConfig(tinyLlama)
    model.setTrainable({ lastLayers: 1 })
    const before = await weights(model)
    await train(model, 2)
    for (const { name, trainable } of model.parameters()) {
      const same = Buffer.compare(
        Buffer.from((await model.read(name)).data.buffer),
        Buffer.from(before.get(name)!.buffer),
      )
      expect([name, same !== 0]).toEqual([name, trainable])
    }
    const { gradients } = await model.gradients(batch)
    expect([...gradients.keys()].every((name) => /layers\.1\.|norm|lm_head/.test(name))).toBe(true)
  })
})

describe('an optimizer', () => {
  test('leaves biases and norms out of weight decay', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const optimizer = model.optimizer({ weightDecay: 0.1 })
    const [decayed, exempt] = optimizer.groups
    expect(decayed!.weightDecay).toBe(0.1)
    expect(exempt!.weightDecay).toBe(0)
    expect(exempt!.parameters.every((name) => /bias|ln_/.test(name))).toBe(true)
    expect(decayed!.parameters.some((name) => /bias|ln_/.test(name))).toBe(false)
    expect(decayed!.parameters.length + exempt!.parameters.length).toBe([...model.parameters()].length)
    expect(model.optimizer({ weightDecay: 0.1, noDecay: [] }).groups).toHaveLength(1)
  })

  test('has groups with settings of their own', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const optimizer = model.optimizer({
      learningRate: 1e-3,
      weightDecay: 0,
      groups: [{ parameters: ['transformer.wte', 'transformer.wpe'], learningRate: 0 }],
    })
    expect(optimizer.groups.map(({ learningRate, parameters }) => [learningRate, parameters.length])).toEqual([
      [0, 2],
      [1e-3, 26],
    ])
    const before = await weights(model)
    await optimizer.step(batch)
    expect((await model.read('transformer.wte.weight')).data).toEqual(before.get('transformer.wte.weight'))
    expect((await model.read('transformer.h.0.mlp.c_fc.weight')).data).not.toEqual(
      before.get('transformer.h.0.mlp.c_fc.weight'),
    )
    await expect(optimizer.step(batch, { learningRate: [1] })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('refuses what it does not know', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const error = (options: object) => refusal(() => model.optimizer(options))
    expect(error({ lr: 1 })).toMatchObject({ code: 'invalid-option', where: 'optimizer.lr' })
    expect(error({ kind: 'sgd' })).toMatchObject({ code: 'invalid-option', where: 'optimizer.kind' })
    expect(error({ betas: [0.9, 1] })).toMatchObject({ code: 'invalid-option', where: 'optimizer.betas.1' })
    expect(error({ noDecay: ['nothing'] })).toMatchObject({ code: 'no-match', where: 'optimizer.noDecay' })
    expect(error({ groups: [{ parameters: ['nothing'] }] })).toMatchObject({ code: 'no-match' })
    model.setTrainable('none')
    expect(error({})).toMatchObject({ code: 'invalid-option', where: 'optimizer' })
  })

  test('belongs to what was trained when it was made', async () => {
    await using model = await Model.fromConfig(tinyGpt2)
    const optimizer = model.optimizer()
    model.setTrainable(['transformer.ln_f'])
    await expect(optimizer.step(batch)).rejects.toMatchObject({ code: 'invalid-option', where: 'optimizer' })
  })

  test('keeps its kind', async () => {
    await using model = await Model.fromConfig(tinyGpt2, { dropout: false })
    const optimizer = model.optimizer({ kind: 'adamw_8bit' })
    const refused = { code: 'invalid-option', where: 'optimizer.kind' }
    await expect(optimizer.regroup({ kind: 'adamw' })).rejects.toMatchObject(refused)
    await expect(optimizer.regroup({ kind: 'adamw_8bit' })).resolves.toBeUndefined()
    await expect(optimizer.regroup()).resolves.toBeUndefined()
  })

  test('goes on with other parameters: those it had keep their state, others start afresh', async () => {
    const frozenFirst = async (regroup: boolean) => {
      await using model = await Model.fromConfig(tinyGpt2, { dropout: false })
      model.setTrainable(['transformer.ln_f'])
      const optimizer = model.optimizer({ learningRate: 1e-2 })
      await optimizer.step(batch)
      model.setTrainable(['transformer.ln_f', 'transformer.h.1'])
      if (regroup) await optimizer.regroup({ learningRate: 1e-2 })
      const next = regroup ? optimizer : model.optimizer({ learningRate: 1e-2 })
      const before = await weights(model)
      await next.step(batch)
      const after = await weights(model)
      const moved = (name: string) => after.get(name)!.map((value, i) => Math.abs(value - before.get(name)![i]!))
      const path = join(temporaryDirectory(), 'optimizer.safetensors')
      await next.save(path)
      return { next, moved, state: readFileTensors(path) }
    }
    const kept = await frozenFirst(true)
    const stepOf = (name: string) => Buffer.from(kept.state.get(`${name}.step`)!.data).readFloatLE()
    expect(stepOf('transformer.ln_f.weight')).toBe(2)
    expect(stepOf('transformer.h.1.ln_1.weight')).toBe(1)
    // Adam's first step is the rate, whatever the gradient.
    expect(Math.max(...kept.moved('transformer.h.1.mlp.c_fc.bias'))).toBeCloseTo(1e-2, 4)
    const afresh = await frozenFirst(false)
    expect(kept.moved('transformer.h.1.mlp.c_fc.bias')).toEqual(afresh.moved('transformer.h.1.mlp.c_fc.bias'))
    expect(kept.moved('transformer.ln_f.weight')).not.toEqual(afresh.moved('transformer.ln_f.weight'))
  })
})

describe('the same seed gives the same bits', () => {
  const run = async (options: ModelOptions) => {
    await using model = await Model.fromConfig({ ...tinyGpt2, resid_pdrop: 0.3 }, options)
    const losses = await train(model, 4)
    return { losses, weights: await weights(model) }
  }

  test('again, and for any number of threads', async () => {
    const one = await run({ seed: 7, threads: 1 })
    expect(await run({ seed: 7, threads: 1 })).toEqual(one)
    expect(await run({ seed: 7, threads: 3 })).toEqual(one)
    expect((await run({ seed: 8, threads: 1 })).losses).not.toEqual(one.losses)
  })

  test('across a resume', async () => {
    const directory = temporaryDirectory()
    const state = join(directory, 'optimizer.safetensors')
    const options = { seed: 3, dropout: 0.3 }
    await using straight = await Model.fromConfig(tinyGpt2, options)
    const optimizer = straight.optimizer({ learningRate: 1e-2 })
    for (let i = 0; i < 2; i++) await optimizer.step([batch, batch])
    await straight.save(join(directory, 'model'))
    await optimizer.save(state)
    const random = straight.randomState
    expect(random).toEqual({ seed: 3, draw: 4 })
    const expected = [await optimizer.step([batch, batch]), await optimizer.step(batch)]

    await using resumed = await Model.load(join(directory, 'model'), options)
    const continued = resumed.optimizer({ learningRate: 1e-2 })
    await continued.load(state)
    continued.steps = 2
    resumed.randomState = random
    expect([await continued.step([batch, batch]), await continued.step(batch)]).toEqual(expected)
    expect(await weights(resumed)).toEqual(await weights(straight))
  })
})

test('dropout is drawn in training and nowhere else', async () => {
  await using model = await Model.fromConfig(tinyGpt2, { dropout: 0.5 })
  const { lossSum, tokens } = await model.evaluateBatch(batch)
  const drawn = await model.gradients(batch)
  expect(drawn.loss).not.toBeCloseTo(lossSum / tokens, 4)
  expect(await model.gradients(batch)).toEqual(drawn)
  model.randomState = { seed: 0, draw: 1 }
  expect((await model.gradients(batch)).loss).not.toBe(drawn.loss)
  const { logits } = await model.forward(batch)
  expect((await model.forward(batch)).logits).toEqual(logits)
  await using still = await Model.fromConfig(tinyGpt2, { dropout: false })
  expect((await still.gradients(batch)).loss).toBeCloseTo(lossSum / tokens, 5)
})

test('label smoothing can be asked for by model or step', async () => {
  const labelSmoothing = 0.2
  await using smooth = await Model.fromConfig(tinyLlama, { labelSmoothing })
  await using plain = await Model.fromConfig(tinyLlama)
  const { loss } = await smooth.gradients(batch)
  expect((await plain.gradients(batch, { labelSmoothing })).loss).toBe(loss)
  expect((await plain.gradients(batch)).loss).not.toBe(loss)
  expect((await plain.optimizer().step(batch, { labelSmoothing })).loss).toBeCloseTo(loss, 6)
})

describe('the plan is what a step takes, to the byte', () => {
  const wide = { ...tinyLlama, hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, num_key_value_heads: 2 }
  const cases = (['f32', 'bf16'] as const).flatMap((dtype) =>
    (['adamw', 'adamw_8bit'] as const).flatMap((optim) =>
      [1, 2].map((gradientAccumulationSteps) => ({ dtype, optim, gradientAccumulationSteps })),
    ),
  )
  test.each(cases)('%o', async ({ dtype, optim, gradientAccumulationSteps }) => {
    await using model = await Model.fromConfig(wide, { dtype, dropout: 0.1 })
    const planned = model.plan({ tokens: 14, sequences: 3, rows: 11 }, { optim, gradientAccumulationSteps })
    expect(planned.activations).toBeGreaterThan(0)
    const optimizer = model.optimizer({ kind: optim })
    await optimizer.step(gradientAccumulationSteps === 1 ? batch : [batch, batch])
    expect(model.memory()).toEqual(planned)
    expect(optimizer.bytes).toBe(planned.optimizer)
    // Reading gradients leaves nothing behind.
    await model.gradients(batch)
    expect(model.memory().gradients).toBe(0)
  })
})

test('cancelling rejects what runs and what waits; the model goes on', async () => {
  await using model = await Model.fromConfig(tinyGpt2)
  // So many that the last still waits, however late this thread goes on.
  const calls = Array.from({ length: 1000 }, () => model.forward(batch))
  model.cancel()
  for (const outcome of await Promise.allSettled(calls)) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'aborted' })
  }
  expect((await Promise.allSettled(calls)).at(-1)!.status).toBe('rejected')
  expect((await model.forward(batch)).logits.shape).toEqual([14, 37])
})
