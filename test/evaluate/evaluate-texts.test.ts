import { describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { answerF1 } from '../../lib/evaluate/metrics/question-answering.js'
import { corpusBleu } from '../../lib/evaluate/metrics/bleu.js'
import { fewShotPrompt } from '../../lib/evaluate/prompts.js'
import type { LanguageModelReport } from '../../lib/evaluate/report.js'
import { generateBatch } from '../../lib/generate/generate.js'
import { lora } from '../../lib/nn/lora.js'
import { letterBert, letterLlama, letterModel } from './letter-model.js'

const rows = [
  { prompt: 'say a', completion: ' a is here.' },
  { prompt: 'say b', completion: ' b is here.' },
  { prompt: 'say c', completion: ' c is here.' },
]
const data = Dataset.from(rows)
const generation = { maxNewTokens: 6 }

describe('evaluate of a language model that writes', () => {
  it('compares what it writes with what it should, and with the untuned model', async () => {
    await using model = await letterModel(letterLlama)
    const base = await generateBatch(
      model,
      rows.map(({ prompt }) => prompt),
      generation,
    )
    await model.addAdapter(lora({ rank: 2 }))
    const optimizer = model.optimizer({ learningRate: 0.05 })
    const inputIds = [
      [2, 9, 40, 11],
      [2, 7, 8, 9, 10],
    ]
    for (let step = 0; step < 10; step++) await optimizer.step({ inputIds, labels: inputIds })
    const tuned = await generateBatch(
      model,
      rows.map(({ prompt }) => prompt),
      generation,
    )
    const references = rows.map(({ completion }) => completion)
    const bleu = (texts: readonly { text: string }[]): number =>
      corpusBleu(
        texts.map(({ text }) => text),
        references,
      ).bleu
    const report = (await evaluate(model, data, {
      metrics: ['loss', 'bleu', 'exact-match', 'rougeL', 'chrf', 'f1'],
      generation,
      records: true,
      confidence: 0.95,
      resamples: 50,
      fewShot: { examples: data, count: 2 },
    })) as LanguageModelReport
    expect(report.metrics.bleu).toBeCloseTo(bleu(tuned), 10)
    expect(report.baselines.untuned?.metrics['bleu']).toBeCloseTo(bleu(base), 10)
    expect(report.records!.map(({ generated }) => generated?.prediction)).toEqual(tuned.map(({ text }) => text))
    expect(report.records![0]?.generated).toMatchObject({
      prompt: 'say a',
      reference: ' a is here.',
      exactMatch: false,
    })
    expect(Object.keys(report.baselines['few-shot']!.metrics)).toEqual(['bleu', 'exact-match', 'rougeL', 'chrf', 'f1'])
    const overlap = tuned.map(({ text }, i) => answerF1(text, [references[i]!]))
    expect(report.f1).toBeCloseTo(overlap.reduce((sum, value) => sum + value, 0) / overlap.length, 10)
    expect(report.baselines['few-shot']?.mcnemar).toMatchObject({ onlySecond: 0 })
    expect(report.intervals?.chrf?.value).toBe(report.metrics.chrf)
    expect(report.baselines.untuned?.comparisons?.['loss']?.second.value).toBeCloseTo(report.metrics.loss!, 6)
  })

  it('needs rows that say what to write', async () => {
    await using model = await letterModel(letterLlama)
    const texts = Dataset.from([{ text: 'abc' }])
    await expect(evaluate(model, texts, { generate: true })).rejects.toMatchObject({
      code: 'invalid-dataset',
      where: 'row 0',
    })
    const encoded = [{ inputIds: [2, 5, 6], labels: [-100, 5, 6] }]
    await expect(evaluate(model, encoded, { metrics: ['bleu'] })).rejects.toMatchObject({ where: 'data' })
  })

  it('measures masked tokens, the same ones for the same seed', async () => {
    await using model = await letterModel(letterBert, { task: 'masked-lm' })
    const texts = Dataset.from([{ text: 'the cat is on the mat.' }, { text: 'why not?' }])
    const first = await evaluate(model, texts, { maskProbability: 0.4 })
    const again = await evaluate(model, texts, { maskProbability: 0.4 })
    const other = await evaluate(model, texts, { maskProbability: 0.4, seed: 1 })
    expect(first.metrics).toEqual(again.metrics)
    expect(other.metrics).not.toEqual(first.metrics)
  })
})

describe('a few-shot prompt', () => {
  it('puts solved examples before the prompt', () => {
    const shot = { prompt: 'say a', reference: ' aa' }
    expect(fewShotPrompt([shot], { prompt: 'say b', reference: '' })).toBe('say a aa\n\nsay b')
    expect(fewShotPrompt([{ prompt: 'Q: x\nA: ', reference: 'y' }], { prompt: 'Q: z\nA: ', reference: '' })).toBe(
      'Q: x\nA: y\n\nQ: z\nA: ',
    )
    expect(fewShotPrompt([{ prompt: 'hej', reference: 'hello' }], { prompt: 'tack', reference: '' })).toBe(
      'hej\nhello\n\ntack',
    )
  })

  it('makes turns of them in a conversation, with the row’s own system message', () => {
    const turn = (role: string, content: string) => ({ role, content })
    const shot = { prompt: [turn('system', 'old'), turn('user', 'a')], reference: 'aa' }
    const row = { prompt: [turn('system', 'be brief'), turn('user', 'b')], reference: 'bb' }
    expect(fewShotPrompt([shot], row)).toEqual([
      turn('system', 'be brief'),
      turn('user', 'a'),
      turn('assistant', 'aa'),
      turn('user', 'b'),
    ])
  })
})
