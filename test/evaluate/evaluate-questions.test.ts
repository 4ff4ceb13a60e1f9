import { describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask } from '../../lib/data/encode-for-task.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { measureExamples } from '../../lib/evaluate/measure-examples.js'
import type { EmbeddingReport, QuestionAnsweringReport } from '../../lib/evaluate/report.js'
import { answerScores } from '../../lib/evaluate/metrics/question-answering.js'
import { collate } from '../../lib/data/example.js'
import type { Model } from '../../lib/models/model.js'
import { letterBert, letterModel } from './letter-model.js'

const close = (a: number | undefined, b: number): void => expect(Math.abs(a! - b)).toBeLessThan(1e-5)

describe('evaluate of questions', () => {
  const row = (question: string, context: string, ...text: string[]) => ({
    question,
    context,
    answers: { text, answer_start: text.map((one) => context.indexOf(one)) },
  })
  const answered = [
    row('who?', 'ann lee lives in a small red house by the sea and sings', 'ann lee'),
    row('where?', 'it is in rome', 'rome', 'in rome'),
  ]

  /** The best span by trying all. */
  async function bestSpan(model: Model, data: Dataset, index: number, maxLength: number, stride: number) {
    const tokenizer = await model.tokenizer()
    const { examples } = await encodeForTask('question-answering', data, tokenizer, { maxLength, stride })
    const windows = examples.filter((example) => example.row === index)
    let best = { score: -Infinity, text: '' }
    let none = Infinity
    for (const window of windows) {
      const { logits } = await model.forward(collate([window], model.definition))
      none = Math.min(none, logits.data[0]! + logits.data[1]!)
      window.offsets.forEach((first, i) =>
        window.offsets.forEach((last, j) => {
          if (first === null || last === null || j < i || j - i >= 8) return
          const score = logits.data[2 * i]! + logits.data[2 * j + 1]!
          const { context } = data.rows[index] as { context: string }
          if (score > best.score) best = { score, text: context.slice(first[0], last[1]) }
        }),
      )
    }
    return { ...best, none, windows: windows.length }
  }

  it('joins the windows of a row and finds the best span of all', async () => {
    await using model = await letterModel(letterBert, { task: 'question-answering' })
    const data = Dataset.from(answered)
    const [maxLength, stride] = [24, 4]
    const report = (await evaluate(model, data, {
      maxLength,
      stride,
      maxAnswerLength: 8,
      records: true,
      tokensPerBatch: 30,
    })) as QuestionAnsweringReport
    const predictions: string[] = []
    for (const index of [0, 1]) {
      const best = await bestSpan(model, data, index, maxLength, stride)
      if (index === 0) expect(best.windows).toBeGreaterThan(2)
      const record = report.records![index]!
      expect(record.prediction).toBe(best.text)
      expect(answered[index]!.context.slice(record.start, record.end)).toBe(best.text)
      predictions.push(best.text)
    }
    const scores = answerScores(
      predictions,
      answered.map(({ answers }) => answers.text),
    )
    close(report.metrics['exact-match'], scores.exactMatch / 100)
    close(report.metrics.f1, scores.f1 / 100)
    expect(report.rows).toBe(2)
    expect(report.details).not.toHaveProperty('noAnswer')

    const { examples } = await encodeForTask('question-answering', data, await model.tokenizer(), { maxLength, stride })
    const whole = await model.evaluateBatch(collate(examples, model.definition))
    close(report.metrics.loss, whole.lossSum / whole.weight)
  })

  it('says that there is no answer where the data has such questions, by the threshold', async () => {
    await using model = await letterModel(letterBert, { task: 'question-answering' })
    const data = Dataset.from([...answered, row('why?', 'nobody knows')])
    const never = (await evaluate(model, data, { noAnswerThreshold: 1e6, records: true })) as QuestionAnsweringReport
    expect(never.records!.every(({ prediction }) => prediction !== '')).toBe(true)
    const always = (await evaluate(model, data, { noAnswerThreshold: -1e6 })) as QuestionAnsweringReport
    close(always.metrics['exact-match'], 1 / 3)
    expect(always.details.noAnswer).toEqual({ exactMatch: 100, f1: 100, rows: 1 })
    expect(always.details.hasAnswer).toEqual({ exactMatch: 0, f1: 0, rows: 2 })
  })

  it('has only the loss for encoded rows', async () => {
    await using model = await letterModel(letterBert, { task: 'question-answering' })
    const examples = [{ inputIds: [2, 5, 3, 6, 7, 3], labels: [3, 4] }]
    const { metrics } = await measureExamples(model, examples, { tokensPerBatch: 10, metrics: ['loss'] })
    expect(metrics['loss']).toBeGreaterThan(0)
    await expect(measureExamples(model, examples, { tokensPerBatch: 10 })).rejects.toMatchObject({
      code: 'invalid-dataset',
    })
  })
})

describe('evaluate of embeddings', () => {
  it('ranks each positive among all texts, whatever the batches', async () => {
    await using model = await letterModel(letterBert, { task: 'embedding' })
    const pairs = [
      { anchor: 'a cat', positive: 'the cat', negative: 'a dog' },
      { anchor: 'rome', positive: 'rome', negative: 'oslo' },
      { anchor: 'why not?', positive: 'because', negative: 'when?' },
      { anchor: 'it is so', positive: 'so it is', negative: 'never' },
    ]
    const tokenizer = await model.tokenizer()
    const vectors = async (side: 'anchor' | 'positive' | 'negative'): Promise<number[][]> => {
      const inputIds = await Promise.all(pairs.map((pair) => tokenizer.encode(pair[side])))
      const { logits } = await model.forward({ inputIds })
      const size = logits.shape[1]!
      return pairs.map((_, i) => {
        const vector = Array.from(logits.data.subarray(i * size, (i + 1) * size))
        const length = Math.hypot(...vector)
        return vector.map((value) => value / length)
      })
    }
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
    const [anchors, positives, negatives] = [
      await vectors('anchor'),
      await vectors('positive'),
      await vectors('negative'),
    ]
    const ranks = anchors.map(
      (anchor, i) =>
        1 +
        [...positives, ...negatives].filter((other) => dot(anchor, other) > dot(anchor, positives[i]!) + 1e-6).length,
    )
    const data = Dataset.from(pairs)
    for (const tokensPerBatch of [20, 1000]) {
      const report = (await evaluate(model, data, { tokensPerBatch, records: true })) as EmbeddingReport
      expect(report.records!.map(({ rank }) => rank)).toEqual(ranks)
      close(report.metrics['recall@1'], ranks.filter((rank) => rank === 1).length / 4)
      close(report.metrics.mrr, ranks.reduce((sum, rank) => sum + 1 / rank, 0) / 4)
      close(report.details.positives.mean, anchors.reduce((sum, anchor, i) => sum + dot(anchor, positives[i]!), 0) / 4)
      close(report.details.negatives?.mean, anchors.reduce((sum, anchor, i) => sum + dot(anchor, negatives[i]!), 0) / 4)
      expect(report.details.positives.max).toBeCloseTo(1, 5)
      if (tokensPerBatch === 1000) expect(report.metrics.accuracy).toBe(report.metrics['recall@1'])
    }
  })
})
