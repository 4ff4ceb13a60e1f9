import { describe, expect, it } from 'vitest'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import type { LanguageModelReport } from '../../lib/evaluate/report.js'
import { countingRows, tinyModel, vocabulary } from '../tiny-model.js'

const rows = countingRows(15)

describe('evaluate', () => {
  it('agrees with logits, softmax and counting by hand, whatever the batches', async () => {
    await using model = await tinyModel({}, { initializer_range: 0.3 })
    let sum = 0
    let tokens = 0
    let correct = 0
    for (const { inputIds, labels } of rows) {
      const { logits } = await model.forward({ inputIds: [Array.from(inputIds)] })
      for (let i = 1; i < inputIds.length; i++) {
        const label = labels[i]!
        if (label === -100) continue
        const row = Array.from(logits.data.subarray((i - 1) * vocabulary, i * vocabulary))
        const largest = Math.max(...row)
        sum += largest + Math.log(row.reduce((total, x) => total + Math.exp(x - largest), 0)) - row[label]!
        correct += row.indexOf(largest) === label ? 1 : 0
        tokens++
      }
    }
    for (const tokensPerBatch of [1, 40, 4096]) {
      const report = (await evaluate(model, rows, { tokensPerBatch })) as LanguageModelReport
      expect(report).toMatchObject({ rows: 15, targets: tokens, metrics: { accuracy: correct / tokens } })
      // float32 rounding of a few hundred sums, far below what a wrong weighting would give.
      expect(Math.abs(report.metrics.loss! - sum / tokens)).toBeLessThan(1e-5)
      expect(Math.abs(report.metrics.perplexity! - Math.exp(sum / tokens))).toBeLessThan(1e-3)
    }
  })

  it('gives the same bits each time, and only what was asked for', async () => {
    await using model = await tinyModel()
    const first = await evaluate(model, rows, { metrics: ['loss'] })
    const second = await evaluate(model, rows, { metrics: ['loss'] })
    expect(first.metrics.loss).toBe(second.metrics.loss)
    expect(first.metrics).not.toHaveProperty('accuracy')
  })

  it('refuses metrics that this task does not have', async () => {
    await using model = await tinyModel()
    const typo: string = 'acuracy'
    await expect(evaluate(model, rows, { metrics: ['loss', typo as 'accuracy'] })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.metrics[1]',
      message: expect.stringMatching(/Did you mean "accuracy"\?.*loss, perplexity, accuracy/) as string,
    })
    await expect(evaluate(model, rows, { metrics: ['brier'] })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  it('stops when told to', async () => {
    await using model = await tinyModel()
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    await expect(
      evaluate(model, rows, { tokensPerBatch: 20, onProgress, signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'aborted' })
  })
})

it('gives each metric under its own name, whatever the task', async () => {
  await using model = await tinyModel()
  const report = await evaluate(model, countingRows(3), { metrics: ['loss', 'accuracy'] })
  const { loss, accuracy } = report
  expect({ loss, accuracy }).toEqual(report.metrics)
  expect(report.tokens).toBe(report.targets)
  expect(report.f1).toBeUndefined()
  expect(report.seconds).toBeGreaterThan(0)
})
