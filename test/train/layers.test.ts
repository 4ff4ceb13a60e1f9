/** Rates and unfreezing by depth. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { layersOf } from '../../lib/train/layers.js'
import { StagedOptimizer, unfreezingStages } from '../../lib/train/staged-optimizer.js'
import { Trainer } from '../../lib/train/trainer.js'
import { settleTrainOptions } from '../../lib/train/settle-train-options.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { allWeights, countingRows, tinyModel } from '../tiny-model.js'
import { trainingEvents } from './training-events.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-layers-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const train = countingRows(32)

const run = (model: Model, options: Partial<TrainOptions>, stopAfter?: number): Promise<TrainingEvent[]> =>
  trainingEvents(model, { train, ...options }, stopAfter)

/** Names of modules instead of parameters, to see the layers. */
function modules(layers: readonly (readonly string[])[]): string[][] {
  return layers.map((layer) => [...new Set(layer.map((name) => name.replace(/(\.\d+)\..*|\.(weight|bias)$/, '$1')))])
}

describe('layers', () => {
  it('are embeddings, blocks, and what comes after', async () => {
    await using llama = await tinyModel()
    expect(modules(layersOf(llama))).toEqual([
      ['model.embed_tokens'],
      ['model.layers.0'],
      ['model.layers.1'],
      ['model.norm', 'lm_head'],
    ])
    await using tied = await tinyModel({}, { tie_word_embeddings: true })
    expect(modules(layersOf(tied))).toEqual([
      ['model.embed_tokens'],
      ['model.layers.0'],
      ['model.layers.1', 'model.norm'],
    ])
    const bert = { model_type: 'bert', vocab_size: 32, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 }
    const small = { ...bert, num_attention_heads: 2, max_position_embeddings: 24 }
    await using classifier = await Model.fromConfig(small, { task: 'sequence-classification' })
    expect(modules(layersOf(classifier))).toEqual([
      [
        'bert.embeddings.word_embeddings',
        'bert.embeddings.position_embeddings',
        'bert.embeddings.token_type_embeddings',
        'bert.embeddings.LayerNorm',
      ],
      ['bert.encoder.layer.0'],
      ['bert.encoder.layer.1'],
      ['bert.pooler.dense', 'classifier'],
    ])
  })

  it('hold what an adapter has there', async () => {
    await using model = await tinyModel()
    await model.addAdapter(lora({ rank: 2 }))
    const layers = layersOf(model)
    expect(layers).toHaveLength(4)
    for (const [i, layer] of layers.entries()) {
      const adapted = layer.filter((name) => name.startsWith('base_model.'))
      expect(adapted.every((name) => name.includes(`.layers.${i - 1}.`))).toBe(true)
      expect(adapted.length > 0).toBe(i === 1 || i === 2)
    }
  })
})

describe('layer-wise decay', () => {
  it('halves the rate from layer to layer, and leaves weight decay where it was', async () => {
    await using model = await tinyModel()
    const options = settleTrainOptions({ train, layerwiseDecay: 0.5, weightDecay: 0.1 })
    const { optimizer, ...rest } = new StagedOptimizer(model, options, {
      learningRate: 1e-2,
      epochOf: (step) => Math.floor(step / 4),
    })
    expect(rest.trained).toHaveLength([...model.parameters()].length)
    const rateOf = (name: string) => optimizer.groups.find(({ parameters }) => parameters.includes(name))
    expect(rateOf('lm_head.weight')).toMatchObject({ learningRate: 1e-2, weightDecay: 0.1 })
    expect(rateOf('model.norm.weight')).toMatchObject({ learningRate: 1e-2, weightDecay: 0 })
    expect(rateOf('model.layers.1.mlp.up_proj.weight')).toMatchObject({ learningRate: 5e-3, weightDecay: 0.1 })
    expect(rateOf('model.layers.0.input_layernorm.weight')).toMatchObject({ learningRate: 2.5e-3, weightDecay: 0 })
    expect(rateOf('model.embed_tokens.weight')).toMatchObject({ learningRate: 1.25e-3, weightDecay: 0.1 })
    optimizer.dispose()
  })

  it('is the step that each layer takes', async () => {
    await using model = await tinyModel()
    const before = await allWeights(model)
    const settings = { maxSteps: 1, learningRate: 1e-2, weightDecay: 0, schedule: 'constant', maxGradNorm: 0 } as const
    await run(model, { ...settings, layerwiseDecay: 0.5 })
    const after = await allWeights(model)
    // Adam's first step is the rate, wherever the gradient is not tiny.
    const step = (name: string) =>
      Math.max(...after.get(name)!.map((value, i) => Math.abs(value - before.get(name)![i]!)))
    expect(step('lm_head.weight')).toBeCloseTo(1e-2, 4)
    expect(step('model.layers.1.mlp.up_proj.weight')).toBeCloseTo(5e-3, 4)
    expect(step('model.layers.0.mlp.up_proj.weight')).toBeCloseTo(2.5e-3, 4)
    expect(step('model.embed_tokens.weight')).toBeCloseTo(1.25e-3, 4)
  })
})

describe('gradual unfreezing', () => {
  it('adds layers from the top', () => {
    const layers = [['embed'], ['0'], ['1'], ['2'], ['head']]
    const all = new Set(layers.flat())
    expect(unfreezingStages(layers, all, 1)).toEqual([
      ['head'],
      ['2', 'head'],
      ['1', '2', 'head'],
      ['0', '1', '2', 'head'],
      ['embed', '0', '1', '2', 'head'],
    ])
    expect(unfreezingStages(layers, all, 3)).toEqual([['head'], ['0', '1', '2', 'head'], layers.flat()])
    expect(unfreezingStages(layers, new Set(['2', '1']), 1)).toEqual([['2'], ['1', '2']])
  })

  it('trains the head, then block after block', async () => {
    await using model = await tinyModel()
    const before = await allWeights(model)
    const changed = async () => {
      const now = await allWeights(model)
      return [...now]
        .filter(([name, data]) => data.some((value, i) => value !== before.get(name)![i]))
        .map(([name]) => name)
    }
    const seen: string[][] = []
    const events: TrainingEvent[] = []
    for await (const event of new Trainer(model, { train, maxSteps: 8, unfreeze: { every: 2 } }).run()) {
      events.push(event)
      if (event.type === 'step' && event.step % 2 === 0) seen.push(modules([await changed()])[0]!)
    }
    const top = ['model.norm', 'lm_head']
    expect(seen).toEqual([
      top,
      ['model.layers.1', ...top],
      ['model.layers.0', 'model.layers.1', ...top],
      ['model.embed_tokens', 'model.layers.0', 'model.layers.1', ...top],
    ])
    const unfrozen = events.filter((event) => event.type === 'unfreeze')
    expect(unfrozen.map(({ step, stage, stages }) => [step, stage, stages])).toEqual([
      [2, 2, 4],
      [4, 3, 4],
      [6, 4, 4],
    ])
    const [start] = events
    const used = Math.max(...events.flatMap((event) => (event.type === 'step' ? [event.memory] : [])))
    if (start?.type !== 'start') throw new Error('no start')
    expect(start.parameters.trained).toBe(start.parameters.total)
    expect(Math.abs(used - start.memory.total) / start.memory.total).toBeLessThan(0.05)
  })

  it.each([2, 3])('goes on with the same bits after step %s', async (step) => {
    const options = {
      maxSteps: 6,
      unfreeze: { every: 2 },
      layerwiseDecay: 0.7,
      learningRate: 1e-2,
      checkpointEvery: 100,
    } as const
    await using whole = await tinyModel({ dropout: true })
    await run(whole, options)
    const output = join(directory, 'out')
    await using begun = await tinyModel({ dropout: true })
    await run(begun, { ...options, output }, step)
    await using ended = await tinyModel({ dropout: true })
    await run(ended, { ...options, output, resume: 'auto' })
    expect(await allWeights(ended)).toEqual(await allWeights(whole))
  })

  it('puts the best state back, what was trained later too', async () => {
    for (const output of [undefined, join(directory, 'out')]) {
      await using model = await tinyModel()
      const before = await allWeights(model)
      const weightsAt: Map<number, Map<string, Float32Array>> = new Map()
      let best = 0
      // A rate this high makes everything worse once the blocks join.
      const options = {
        train,
        validation: countingRows(8, 2),
        evaluateEvery: 1,
        maxSteps: 4,
        learningRate: 0.3,
      } as const
      for await (const event of new Trainer(model, { ...options, unfreeze: { every: 1 }, output }).run()) {
        if (event.type === 'evaluation') weightsAt.set(event.step, await allWeights(model))
        if (event.type === 'done') best = event.bestStep ?? 0
      }
      expect(best).toBeLessThan(4)
      expect(await allWeights(model)).toEqual(weightsAt.get(best))
      expect(weightsAt.get(4)!.get('model.embed_tokens.weight')).not.toEqual(before.get('model.embed_tokens.weight'))
    }
  })
})
