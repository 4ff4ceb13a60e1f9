import { describe, expect, onTestFinished, test } from 'vitest'
import type { Model } from '../../lib/models/model.js'
import { softmax } from '../../lib/models/probabilities.js'
import '../../lib/predict/model-predict.js'
import type { LabelScore, Prediction } from '../../lib/predict/classify.js'
import { answerStream, classifyStream, tagStream } from '../../lib/predict/model-predict.js'
import { letterModel } from './letter-model.js'

async function model(...options: Parameters<typeof letterModel>): Promise<Model> {
  const made = await letterModel(...options)
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

/** Of a classifier that lists them. */
function scoresOf(result: Prediction | undefined): readonly LabelScore[] {
  if (result === undefined || !('scores' in result)) throw new Error('no scores')
  return result.scores ?? []
}

const single = { task: 'sequence-classification', labels: ['bad', 'good', 'so-so'] } as const
const tagger = { task: 'token-classification', labels: ['O', 'B-X', 'I-X', 'B-Y'] } as const
const asker = { task: 'question-answering' } as const

describe('classify', () => {
  const texts = ['a', 'what is it, then?', ['one', 'two'], 'no.', 'abc def'] as const

  test('gives each text the likeliest label, in the order given, as the text alone gets it', async () => {
    await using classifier = await model(single)
    const tokenizer = await classifier.tokenizer()
    const results = await classifier.classify(texts, { topK: 'all', tokensPerBatch: 12 })
    expect(results).toHaveLength(texts.length)
    for (const [i, text] of texts.entries()) {
      const [first, pair] = typeof text === 'string' ? [text] : text
      const encoded = await tokenizer.encodeWithOffsets(first, pair === undefined ? {} : { pair })
      const { logits } = await classifier.forward({ inputIds: [encoded.ids], tokenTypeIds: [[...encoded.typeIds]] })
      const scores = Array.from(softmax(logits.data))
      const expected = single.labels.map((label, l) => ({ label, score: expect.closeTo(scores[l]!, 5) as number }))
      const [best] = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!)
      expect(results[i]).toMatchObject({ problemType: 'single_label_classification', ...expected[best!] })
      const listed = scoresOf(results[i])
      expect(listed).toHaveLength(3)
      expect(listed).toEqual(expect.arrayContaining(expected) as unknown)
      expect(listed.map(({ score }) => score)).toEqual(listed.map(({ score }) => score).sort((a, b) => b - a))
    }
    const [top] = await classifier.classify(['a'], { topK: 2 })
    expect(scoresOf(top)).toHaveLength(2)
    expect((await classifier.classify(['a']))[0]).not.toHaveProperty('scores')
  })

  test('of many labels gives those from their threshold on', async () => {
    await using classifier = await model({ ...single, problemType: 'multi_label_classification' })
    const { logits } = await classifier.forward({ inputIds: [await (await classifier.tokenizer()).encode('abc')] })
    const scores = Array.from(logits.data, (logit) => 1 / (1 + Math.exp(-logit)))
    const names = async (threshold?: number | number[] | Record<string, number>) => {
      const [result] = await classifier.classify(['abc'], { threshold })
      return result?.problemType === 'multi_label_classification' ? result.labels.map(({ label }) => label) : undefined
    }
    const above = (limit: number) =>
      [...scores.keys()]
        .filter((i) => scores[i]! >= limit)
        .sort((a, b) => scores[b]! - scores[a]!)
        .map((i) => single.labels[i])
    expect(await names()).toEqual(above(0.5))
    expect(await names(0)).toEqual(above(0))
    expect(await names(1)).toEqual([])
    expect(await names([0, 1, 1])).toEqual(['bad'])
    expect(await names({ bad: 1, good: 0, 'so-so': 1 })).toEqual(['good'])
    await expect(classifier.classify(['abc'], { threshold: [0.1] })).rejects.toMatchObject({
      where: 'options.threshold',
    })
    await expect(classifier.classify(['abc'], { threshold: { great: 0.1 } })).rejects.toMatchObject({
      message: expect.stringContaining("no label 'great'. It has bad, good, so-so") as string,
    })
  })

  test('of a regression gives the number, or each by its name', async () => {
    await using one = await model({ task: 'sequence-classification', labels: 1 })
    const { logits } = await one.forward({ inputIds: [await (await one.tokenizer()).encode('abc')] })
    expect(await one.classify(['abc'])).toEqual([{ problemType: 'regression', value: logits.data[0] }])
    await using two = await model({
      task: 'sequence-classification',
      labels: ['low', 'high'],
      problemType: 'regression',
    })
    const [result] = await two.classify(['abc'])
    expect(Object.keys((result as { values: object }).values)).toEqual(['low', 'high'])
  })

  test('cuts a long text where asked, and names it otherwise', async () => {
    await using classifier = await model(single)
    const long = 'abcde '.repeat(6)
    await expect(classifier.classify(['a', long])).rejects.toMatchObject({
      code: 'sequence-too-long',
      where: 'inputs[1]',
      message: expect.stringMatching(/32 tokens, more than 24.*options.truncation/) as string,
    })
    const cut = await classifier.classify([long], { truncation: 'tail', maxLength: 7 })
    expect(cut).toEqual(await classifier.classify(['abcde'], {}))
  })

  test.each([
    ['an empty text', ['a', ''], 'inputs[1]', /the text is empty/],
    ['white space', [' \n'], 'inputs[0]', /the text is empty/],
    ['an empty half of a pair', [['a', '']], 'inputs[0]', /text 2 of the pair is empty/],
    ['a number', ['a', 'b', 3], 'inputs[2]', /expected a text.*type number/],
    ['three texts', [['a', 'b', 'c']], 'inputs[0]', /expected a text, or a pair/],
  ])('refuses %s and names it', async (_, inputs, where, message) => {
    await using classifier = await model(single)
    await expect(classifier.classify(inputs as string[])).rejects.toMatchObject({
      code: 'invalid-input',
      where,
      message: expect.stringMatching(message) as string,
    })
  })

  test('says what a model of another task can do', async () => {
    await using other = await model(tagger)
    await expect(other.classify(['a'])).rejects.toMatchObject({
      code: 'unsupported-task',
      message: expect.stringMatching(
        /classify needs.*sequence-classification.*token-classification; tag is what/,
      ) as string,
    })
    await using classifier = await model(single)
    await expect(classifier.tag(['a'])).rejects.toMatchObject({ code: 'unsupported-task' })
    await expect(classifier.embed(['a'])).rejects.toMatchObject({ code: 'unsupported-task' })
    await expect(classifier.answer({ question: 'a', context: 'b' })).rejects.toMatchObject({ code: 'unsupported-task' })
  })

  test('takes no single text for a list, and no list of nothing amiss', async () => {
    await using classifier = await model(single)
    await expect(classifier.classify('a' as unknown as string[])).rejects.toMatchObject({ code: 'invalid-input' })
    expect(await classifier.classify([])).toEqual([])
  })
})

describe('a stream', () => {
  test('is read a window at a time', async () => {
    await using classifier = await model(single)
    let read = 0
    function* source(): Generator<string> {
      for (; read < 2000; read++) yield `text ${'abc'.charAt(read % 3)}`
    }
    let count = 0
    const progress: number[] = []
    for await (const result of classifyStream(classifier, source(), {
      onProgress: ({ rows }) => progress.push(rows),
    })) {
      expect(result.problemType).toBe('single_label_classification')
      if (++count === 300) break
    }
    expect(read).toBeLessThan(600)
    expect(progress.at(-1)).toBe(512)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
  })

  test('ends when the signal says so', async () => {
    await using classifier = await model(single)
    const controller = new AbortController()
    const results = classifyStream(classifier, Array<string>(1000).fill('abc'), { signal: controller.signal })
    await results.next()
    controller.abort(new Error('enough'))
    await expect(
      (async () => {
        for await (const result of results) expect(result).toBeDefined()
      })(),
    ).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') })
  })

  test('of questions and of texts to tag', async () => {
    await using answering = await model(asker)
    const questions = [{ question: 'who?', context: 'it is i.' }]
    const answered = []
    for await (const one of answerStream(answering, questions)) answered.push(one)
    expect(answered).toEqual(await answering.answer(questions))
    await using tagging = await model(tagger)
    const tagged = []
    for await (const one of tagStream(tagging, ['ab c'])) tagged.push(one)
    expect(tagged).toEqual(await tagging.tag(['ab c']))
  })
})

describe('tag', () => {
  test('gives entities where they stand in the text, in UTF-16', async () => {
    await using tagging = await model(tagger)
    const text = 'ab 😀 cd, ef.'
    const [result] = await tagging.tag([text], { aggregation: 'none', ignoreLabels: [] })
    expect(result!.text).toBe(text)
    // The emoji is one token, [UNK]; each letter is one.
    expect(result!.entities.map((entity) => entity.text)).toEqual(['a', 'b', '😀', 'c', 'd', ',', 'e', 'f', '.'])
    for (const { text: part, start, end } of result!.entities) expect(text.slice(start, end)).toBe(part)
    const [words] = await tagging.tag([text], { ignoreLabels: [] })
    for (const { text: part, start, end } of words!.entities) expect(text.slice(start, end)).toBe(part)
    expect(words!.entities.map((entity) => entity.text.replaceAll(' ', '')).join('')).toBe('ab😀cd,ef.')
  })

  test('scores each token as the model does', async () => {
    await using tagging = await model(tagger)
    const { logits } = await tagging.forward({ inputIds: [await (await tagging.tokenizer()).encode('ab c')] })
    const [result] = await tagging.tag(['ab c'], { aggregation: 'none', ignoreLabels: [] })
    result!.entities.forEach(({ type, score }, i) => {
      const scores = softmax(logits.data, 4 * (i + 1), 4)
      expect(score).toBeCloseTo(Math.max(...scores), 5)
      expect(type).toBe(tagger.labels[scores.indexOf(Math.max(...scores))])
    })
  })

  test('of words gives a label each, and entities by word', async () => {
    await using tagging = await model(tagger)
    const words = ['ab', 'c,d', 'efg']
    const [result] = await tagging.tag([words], { ignoreLabels: [] })
    expect(result!.text).toBe('ab c,d efg')
    expect(result!.tags).toHaveLength(3)
    const { logits } = await tagging.forward({ inputIds: [await (await tagging.tokenizer()).encode('ab c,d efg')] })
    // [CLS] a ##b c , d e …: the first tokens of the words.
    for (const [word, at] of [1, 3, 6].entries()) {
      expect(result!.tags![word]!.score).toBeCloseTo(Math.max(...softmax(logits.data, 4 * at, 4)), 5)
    }
    for (const { text, words: place } of result!.entities) expect(text).toBe(words.slice(...place!).join(' '))
  })

  test('reads a long text in windows, each token where it has most around it', async () => {
    await using tagging = await model(tagger)
    const text = 'abcd efgh ijkl mnop qrst uvwx yz ab cd ef gh'
    const options = { aggregation: 'none', ignoreLabels: [], maxLength: 14, stride: 6 } as const
    const [result] = await tagging.tag([text], options)
    expect(result!.entities.map((entity) => entity.text).join('')).toBe(text.replaceAll(' ', ''))
    const ids = await (await tagging.tokenizer()).encode(text)
    // Windows of 12 letters begin every 6: letters 6 to 17 are the second, and 9 to 14 lie deepest in that one.
    const second = [ids[0]!, ...ids.subarray(7, 19), ids.at(-1)!]
    const { logits } = await tagging.forward({ inputIds: [second] })
    for (let letter = 9; letter < 14; letter++) {
      const scores = softmax(logits.data, 4 * (letter - 6 + 1), 4)
      expect(result!.entities[letter]!.score).toBeCloseTo(Math.max(...scores), 5)
    }
    await expect(tagging.tag([text], { maxLength: 8, stride: 6 })).rejects.toMatchObject({ where: 'options.stride' })
  })

  test('refuses an empty text and words that are none', async () => {
    await using tagging = await model(tagger)
    await expect(tagging.tag(['a', []])).rejects.toMatchObject({ code: 'invalid-input', where: 'inputs[1]' })
    await expect(tagging.tag([[1] as unknown as string[]])).rejects.toMatchObject({ code: 'invalid-input' })
  })
})

describe('embed', () => {
  test.each(['mean', 'cls', 'last'] as const)('pools and scales as the model says: %s', async (pooling) => {
    const normalize = pooling !== 'cls'
    await using embedder = await model({ task: 'embedding', pooling, normalize })
    const texts = ['abc', 'a', 'it is, then.']
    const embeddings = await embedder.embed(texts)
    const tokenizer = await embedder.tokenizer()
    for (const [i, text] of texts.entries()) {
      const { logits } = await embedder.forward({ inputIds: [await tokenizer.encode(text)] })
      expect(embeddings[i]).toHaveLength(12)
      embeddings[i]!.forEach((value, at) => expect(value).toBeCloseTo(logits.data[at]!, 5))
      if (normalize) expect(Math.hypot(...embeddings[i]!)).toBeCloseTo(1, 5)
    }
    await expect(embedder.embed(['a', ''])).rejects.toMatchObject({ code: 'invalid-input', where: 'inputs[1]' })
  })
})

describe('answer', () => {
  test('gives the best spans of the context, where they stand', async () => {
    await using answering = await model(asker)
    const context = 'ab 😀 cd ef'
    const { answer, answers, noAnswerScore } = await answering.answer({ question: 'who?', context }, { nBest: 5 })
    expect(answers).toHaveLength(5)
    expect(answer).toEqual(answers[0])
    for (const { text, start, end } of answers) expect(context.slice(start, end)).toBe(text)
    expect(answers.map(({ score }) => score)).toEqual(answers.map(({ score }) => score).sort((a, b) => b - a))
    expect(noAnswerScore + answers.reduce((sum, { score }) => sum + score, 0)).toBeLessThanOrEqual(1)

    const encoded = await (await answering.tokenizer()).encodeWithOffsets('who?', { pair: context })
    const { logits } = await answering.forward({ inputIds: [encoded.ids], tokenTypeIds: [[...encoded.typeIds]] })
    let best = { logit: -Infinity, from: 0, to: 0 }
    for (let from = 6; from < encoded.ids.length - 1; from++) {
      for (let to = from; to < encoded.ids.length - 1; to++) {
        const logit = logits.data[2 * from]! + logits.data[2 * to + 1]!
        if (logit > best.logit) best = { logit, from, to }
      }
    }
    const points = Array.from(context)
    expect(answer!.text).toBe(points.slice(encoded.offsets[best.from]![0], encoded.offsets[best.to]![1]).join(''))
  })

  test('says that there is none where that is allowed and likelier', async () => {
    await using answering = await model(asker)
    const question = { question: 'who?', context: 'it is i.' }
    const lenient = { allowNoAnswer: true, noAnswerThreshold: -1000 }
    const never = { allowNoAnswer: true, noAnswerThreshold: 1000 }
    expect((await answering.answer(question)).answer).toBeDefined()
    expect((await answering.answer(question, never)).answer).toBeDefined()
    const none = await answering.answer(question, lenient)
    expect(none.answer).toBeUndefined()
    expect(none.answers).toHaveLength(1)
  })

  test('finds the answer in whichever window of a long context it is', async () => {
    await using answering = await model(asker)
    const context = 'abcd efgh ijkl mnop qrst uvwx yz'
    const [one] = await answering.answer([{ question: 'x', context }], { maxLength: 14, stride: 4, nBest: 20 })
    expect(one!.answers.length).toBe(20)
    expect(new Set(one!.answers.map(({ start, end }) => `${start} ${end}`)).size).toBe(20)
    for (const { text, start, end } of one!.answers) expect(context.slice(start, end)).toBe(text)
  })

  test.each([
    ['an empty question', { question: ' ', context: 'a' }, /the question is empty/],
    ['an empty context', { question: 'a', context: '' }, /the context is empty/],
    ['something else', 'who?', /expected \{ question, context \}/],
    ['a question that leaves no room', { question: 'abc '.repeat(7), context: 'a b c d' }, /no room for the context/],
  ])('refuses %s and names it', async (_, question, message) => {
    await using answering = await model(asker)
    const good = { question: 'a', context: 'b' }
    await expect(answering.answer([good, question as typeof good])).rejects.toMatchObject({
      where: 'inputs[1]',
      message: expect.stringMatching(message) as string,
    })
  })
})
