import { describe, expect, it } from 'vitest'
import { measureExamples } from '../../lib/evaluate/measure-examples.js'
import { defaultMetrics, greaterIsBetter, metricNames, requireMetrics } from '../../lib/evaluate/metric-names.js'
import { Model } from '../../lib/models/model.js'
import type { ModelOptions } from '../../lib/models/model-options.js'
import { softmax } from '../../lib/models/probabilities.js'
import { refusal } from '../refusal.js'
import { countingRows, tinyModel } from '../tiny-model.js'

const tinyBert = {
  model_type: 'bert',
  vocab_size: 37,
  hidden_size: 12,
  intermediate_size: 20,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 16,
  pad_token_id: 0,
  initializer_range: 0.5,
}

const classifier = (options: ModelOptions): Promise<Model> =>
  Model.fromConfig(tinyBert, { task: 'sequence-classification', seed: 3, threads: 2, ...options })

const texts = [[5, 6, 7], [8, 9], [10, 11, 12, 13], [14], [15, 16, 17, 18, 19], [20, 21]]
const close = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(1e-5)
const stream = { tokensPerBatch: 6 }

describe('measureExamples', () => {
  it('classifies: each number is what the logits give by hand, whatever the batches', async () => {
    await using model = await classifier({ labels: ['a', 'b', 'c'] })
    const labels = [0, 1, 2, 0, 1, 1]
    const examples = texts.map((inputIds, i) => ({ inputIds, labels: labels[i]! }))
    const { logits } = await model.forward({ inputIds: texts })
    const rows = texts.map((_, i) => Array.from(softmax(logits.data, 3 * i, 3)))
    const guesses = rows.map((row) => row.indexOf(Math.max(...row)))
    const loss = rows.reduce((sum, row, i) => sum - Math.log(row[labels[i]!]!), 0) / 6
    const f1 = [0, 1, 2].map((c) => {
      const hits = guesses.filter((guess, i) => guess === c && labels[i] === c).length
      const all = guesses.filter((guess) => guess === c).length + labels.filter((label) => label === c).length
      return all === 0 ? 0 : (2 * hits) / all
    })
    const brier = rows.reduce(
      (sum, row, i) => sum + row.reduce((part, p, c) => part + (p - (c === labels[i] ? 1 : 0)) ** 2, 0),
      0,
    )
    for (const tokensPerBatch of [1, 6, 100]) {
      const measured = await measureExamples(model, examples, {
        tokensPerBatch,
        metrics: ['loss', 'accuracy', 'f1', 'brier', 'top-k-accuracy'],
        metricOptions: { topK: 3 },
      })
      expect(measured).toMatchObject({ examples: 6, targets: 6, metrics: { 'top-k-accuracy': 1 } })
      close(measured.metrics['loss']!, loss)
      close(measured.metrics['accuracy']!, guesses.filter((guess, i) => guess === labels[i]).length / 6)
      close(measured.metrics['f1']!, f1.reduce((sum, one) => sum + one, 0) / 3)
      close(measured.metrics['brier']!, brier / 6)
    }
  })

  it('takes the second of two classes as the positive one, unless told', async () => {
    await using model = await classifier({ labels: ['no', 'yes'] })
    const examples = texts.map((inputIds, i) => ({ inputIds, labels: i % 2 }))
    const metrics = ['precision', 'recall', 'roc-auc']
    const yes = await measureExamples(model, examples, { ...stream, metrics })
    const no = await measureExamples(model, examples, { ...stream, metrics, metricOptions: { positive: 'no' } })
    const { logits } = await model.forward({ inputIds: texts })
    const guesses = texts.map((_, i) => (logits.data[2 * i + 1]! > logits.data[2 * i]! ? 1 : 0))
    const recall = (c: number): number => guesses.filter((guess, i) => guess === c && i % 2 === c).length / 3
    close(yes.metrics['recall']!, recall(1))
    close(no.metrics['recall']!, recall(0))
    close(yes.metrics['roc-auc']!, no.metrics['roc-auc']!)
    await expect(
      measureExamples(model, examples, { ...stream, metrics, metricOptions: { positive: 'maybe' } }),
    ).rejects.toMatchObject({ code: 'invalid-option', where: 'options.positive' })
  })

  it('decides label by label where a row may have many', async () => {
    await using model = await classifier({ labels: ['a', 'b'], problemType: 'multi_label_classification' })
    const labels = [
      [1, 0],
      [0, 0],
      [1, 1],
      [0, 1],
      [0, 1],
      [1, 1],
    ]
    const examples = texts.map((inputIds, i) => ({ inputIds, labels: labels[i]! }))
    const { logits } = await model.forward({ inputIds: texts })
    const chances = Array.from(logits.data, (logit) => 1 / (1 + Math.exp(-logit)))
    const flat = labels.flat()
    const loss = flat.reduce((sum, label, i) => sum - Math.log(label === 1 ? chances[i]! : 1 - chances[i]!), 0) / 12
    for (const threshold of [0.5, 0.3]) {
      const { metrics } = await measureExamples(model, examples, { ...stream, metricOptions: { threshold } })
      close(metrics['loss']!, loss)
      close(
        metrics['hamming-loss']!,
        flat.filter((label, i) => (chances[i]! >= threshold ? 1 : 0) !== label).length / 12,
      )
    }
  })

  it('measures regressions', async () => {
    await using model = await classifier({ labels: 1 })
    const examples = texts.map((inputIds, i) => ({ inputIds, labels: i / 2 }))
    const { logits } = await model.forward({ inputIds: texts })
    const errors = texts.map((_, i) => logits.data[i]! - i / 2)
    const { metrics } = await measureExamples(model, examples, stream)
    close(metrics['loss']!, errors.reduce((sum, error) => sum + error * error, 0) / 6)
    close(metrics['rmse']!, Math.sqrt(metrics['loss']!))
    close(metrics['mae']!, errors.reduce((sum, error) => sum + Math.abs(error), 0) / 6)
  })

  it('counts tokens of language models, masked ones too', async () => {
    await using causal = await tinyModel()
    const examples = countingRows(8)
    const { metrics, targets } = await measureExamples(causal, examples, { tokensPerBatch: 30 })
    const whole = await causal.evaluateBatch({
      inputIds: examples.map(({ inputIds }) => inputIds),
      labels: examples.map(({ labels }) => labels),
    })
    expect(targets).toBe(whole.tokens)
    close(metrics['loss']!, whole.lossSum / whole.tokens)
    expect(metrics['accuracy']).toBe(whole.correct / whole.tokens)

    await using masked = await Model.fromConfig(tinyBert, { task: 'masked-lm', seed: 3, threads: 2 })
    const rows = texts.map((inputIds) => ({ inputIds, labels: inputIds.map((id, i) => (i % 2 === 0 ? id : -100)) }))
    const counted = await measureExamples(masked, rows, { tokensPerBatch: 5 })
    expect(counted.targets).toBe(rows.flatMap(({ labels }) => labels).filter((label) => label !== -100).length)
    expect(counted.metrics['perplexity']).toBe(Math.exp(counted.metrics['loss']!))
  })
})

describe('metrics', () => {
  const model = (problemType: string, labels: readonly string[]) =>
    ({ task: 'sequence-classification', problemType, labels }) as Parameters<typeof metricNames>[0]

  it('fit a task and a problem type', () => {
    expect(metricNames({ task: 'masked-lm', problemType: undefined, labels: [] })).toEqual([
      'loss',
      'perplexity',
      'accuracy',
    ])
    expect(defaultMetrics(model('single_label_classification', ['no', 'yes']))).toContain('roc-auc')
    expect(defaultMetrics(model('single_label_classification', ['a', 'b', 'c']))).not.toContain('roc-auc')
    expect(defaultMetrics(model('regression', ['x']))).toContain('rmse')
  })

  it('know which way is better', () => {
    const regression = model('regression', ['x'])
    expect(greaterIsBetter('r2', regression)).toBe(true)
    expect(greaterIsBetter('rmse', regression)).toBe(false)
    expect(greaterIsBetter('brier', model('single_label_classification', ['a', 'b']))).toBe(false)
  })

  it('that do not fit are refused with those that do', () => {
    expect(
      refusal(() => requireMetrics(['loss', 'rmse'], model('single_label_classification', ['a', 'b']))),
    ).toMatchObject({
      code: 'invalid-option',
      where: 'options.metrics[1]',
      message: expect.stringMatching(
        /no metric 'rmse' for sequence classification with one label\. .*There are: loss, accuracy/,
      ) as string,
    })
  })
})
