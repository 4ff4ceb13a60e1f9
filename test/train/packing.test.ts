import { join } from 'node:path'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { collate } from '../../lib/data/example.js'
import { batches } from '../../lib/data/batches.js'
import { Model } from '../../lib/models/model.js'
import { plan } from '../../lib/train/plan.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import type { TrainingEvent } from '../../lib/train/events.js'
import { goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'
import { allWeights, countingRows, tinyModel } from '../tiny-model.js'
import { trainingEvents } from './training-events.js'

interface PackingGolden {
  readonly model: string
  readonly packed: { readonly input_ids: readonly (readonly number[])[] }
  readonly padded: Readonly<Record<'input_ids' | 'attention_mask' | 'labels', readonly (readonly number[])[]>>
  readonly expected: { readonly loss: number; readonly grad_norm: number }
  readonly tolerance: Readonly<Record<string, { readonly atol: number }>>
}

if (goldensMissing !== '') test.skip(goldensMissing)

describe.skipIf(goldensMissing !== '')('golden texts, packed', () => {
  test.each(['gpt2', 'llama', 'mistral', 'gemma3'])('%s', async (name) => {
    const given = readGolden<PackingGolden>('packing', name, 'case.json')
    const { input_ids: ids, attention_mask: mask, labels } = given.padded
    const examples = ids.map((row, r) => {
      const real = (list: readonly number[] | undefined) => (list ?? []).filter((_, at) => mask[r]?.[at] === 1)
      return { inputIds: real(row), labels: real(labels[r]) }
    })
    const binTokens = given.packed.input_ids[0]?.length ?? 0
    const bins = batches(
      examples.map(({ inputIds }) => inputIds.length),
      { binTokens, shuffle: false },
    )
    expect(bins).toHaveLength(given.packed.input_ids.length)
    const [bin = []] = bins
    await using model = await Model.load(goldenPath(given.model), { dropout: false })
    const packed = collate(bin.map((index) => examples[index]!))
    const { loss, gradients } = await model.gradients(packed)
    expect(Math.abs(loss - given.expected.loss)).toBeLessThan(given.tolerance['loss']!.atol)
    let squares = 0
    for (const { data } of gradients.values()) squares += data.reduce((sum, value) => sum + value * value, 0)
    expect(Math.abs(Math.sqrt(squares) - given.expected.grad_norm)).toBeLessThan(given.tolerance['grad_norm']!.atol)
  })
})

const train = countingRows(50)

const run = (model: Model, options: Omit<TrainOptions, 'train'>, stopAfter?: number): Promise<TrainingEvent[]> =>
  trainingEvents(model, { train, ...options }, stopAfter)

describe('a packed run', () => {
  /** Mean loss over all labelled tokens of the epoch, with weights that stay as they are. */
  async function epochLoss(options: Omit<TrainOptions, 'train'>): Promise<{ loss: number; tokens: number }> {
    await using model = await tinyModel({ dropout: false })
    const events = await run(model, { epochs: 1, learningRate: 1e-30, weightDecay: 0, ...options })
    const steps = events.filter((event) => event.type === 'step')
    const tokens = steps.reduce((sum, step) => sum + step.labelledTokens, 0)
    const loss = steps.reduce((sum, step) => sum + step.loss * step.labelledTokens, 0) / tokens
    return { loss, tokens }
  }

  test('has the loss of an unpacked one', async () => {
    const plain = await epochLoss({ batchSize: 1 })
    for (const options of [{ packing: true, maxLength: 48 }, { packing: true, batchSize: 2 }, { batchTokens: 64 }]) {
      const other = await epochLoss(options)
      expect(other.tokens).toBe(plain.tokens)
      // Float32 sums in another order.
      expect(Math.abs(other.loss - plain.loss)).toBeLessThan(2e-6)
    }
  })

  test('is planned as it runs', async () => {
    await using model = await tinyModel()
    const options = { packing: true, maxLength: 48, epochs: 2, gradientAccumulationSteps: 2 }
    const planned = await plan(model, train, { ...options, measure: false })
    expect(planned.largestBatch.tokens).toBeLessThanOrEqual(48)
    expect(planned.largestBatch.tokens).toBeGreaterThan(40)
    const steps = (await run(model, options)).filter((event) => event.type === 'step')
    expect(steps).toHaveLength(planned.steps)
    expect(steps.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(2 * planned.tokens)
    expect(steps.at(-1)?.epoch).toBe(2)
  })

  test('goes on from a checkpoint with the same bits', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'attune-packing-'))
    const options = { packing: true, maxLength: 40, epochs: 2, learningRate: 5e-3 }
    try {
      await using whole = await tinyModel({ dropout: true })
      const events = await run(whole, options)
      const output = join(directory, 'parts')
      await using first = await tinyModel({ dropout: true })
      await run(first, { ...options, output }, 9)
      await using second = await tinyModel({ dropout: true })
      const rest = await run(second, { ...options, output, resume: 'auto' })
      const losses = (list: readonly TrainingEvent[]) =>
        list.flatMap((event) => (event.type === 'step' && event.step > 9 ? [event.loss] : []))
      expect(losses(rest).length).toBeGreaterThan(3)
      expect(losses(rest)).toEqual(losses(events))
      expect(await allWeights(second)).toEqual(await allWeights(whole))
      await using third = await tinyModel({ dropout: true })
      await expect(run(third, { ...options, maxLength: 41, output, resume: 'auto' })).rejects.toThrow(
        'maxLength was 40 and is 41',
      )
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  test('what does not go together is refused, and a row that no batch holds is named', async () => {
    await using model = await tinyModel()
    const refused = (options: Omit<TrainOptions, 'train'>) => plan(model, train, options)
    await expect(refused({ packing: true, batchTokens: 64 })).rejects.toMatchObject({ where: 'options.batchTokens' })
    await expect(refused({ packing: true, groupByLength: true })).rejects.toMatchObject({
      where: 'options.groupByLength',
    })
    await expect(refused({ batchTokens: 10 })).rejects.toMatchObject({
      code: 'sequence-too-long',
      message: expect.stringMatching(
        /options\.train\[\d+\] has 1\d tokens, more than options.batchTokens \(10\)/,
      ) as string,
    })
  })
})
