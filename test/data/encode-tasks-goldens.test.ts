import { describe, expect, test } from 'vitest'

import { sliceCodePoints } from '../../lib/data/code-points.js'
import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask } from '../../lib/data/encode-for-task.js'
import { keptTokens } from '../../lib/data/shorten.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldenNames, goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'

interface TokenizationGolden {
  readonly tokenizer: string
  readonly truncation: { text: string; max_length: number; side: 'left' | 'right'; ids: number[] }[]
}

if (goldensMissing !== '') test.skip(goldensMissing)

describe.skipIf(goldensMissing !== '').each(goldenNames('tokenization'))('golden truncation of %s', (name) => {
  test('cut texts are those of the tokenizers library', async () => {
    const golden = readGolden<TokenizationGolden>('tokenization', `${name}.json`)
    const tokenizer = await Tokenizer.load(goldenPath(golden.tokenizer))
    let compared = 0
    for (const { text, max_length: maxLength, side, ids } of golden.truncation) {
      const encoded = await tokenizer.encodeWithOffsets(text)
      const kept = keptTokens(encoded, maxLength, side === 'right' ? 'tail' : 'head')
      if (kept === undefined) continue
      const all = encoded.ids
      expect(kept.map((at) => all[at])).toEqual(ids)
      compared++
    }
    expect(compared).toBeGreaterThan(2)
  })
})

const tokenizers = ['tokenizers/bert-cased', 'models/roberta-mlm', 'models/t5', 'models/gpt2', 'models/llama']

describe.skipIf(goldensMissing !== '').each(tokenizers)('%s', (path) => {
  const load = (): Promise<Tokenizer> => Tokenizer.load(goldenPath(path))

  test('the answer’s tokens point back at its characters, in whichever window', async () => {
    const context = 'Ada Lovelace 👋 met Charles Babbage, in London; they spoke of naïve engines and of 12,5 looms.'
    const found = ['Ada Lovelace', '👋', 'Charles Babbage', 'London', 'naïve engines', '12,5', 'looms']
    const rows = found.map((text) => {
      return { question: 'Who met whom?', context, answer: text, answer_start: context.indexOf(text) }
    })
    const tokenizer = await load()
    for (const options of [{}, { maxLength: 64, stride: 32 }]) {
      const { examples, findings } = await encodeForTask('question-answering', Dataset.from(rows), tokenizer, {
        ...options,
        noAnswer: 'ignore',
      })
      expect(findings).toEqual([])
      const answers = new Set<number>()
      for (const { labels, offsets, row, inputIds } of examples) {
        expect(offsets.length).toBe(inputIds.length)
        if (labels[0] === -100) continue
        const [start, end] = [offsets[labels[0]]?.[0] ?? -1, offsets[labels[1]]?.[1] ?? -1]
        expect(sliceCodePoints(context, start, end).trim()).toBe(found[row])
        answers.add(row)
      }
      expect(answers.size).toBe(rows.length)
    }
  })

  test('every word has pieces, in order, and its label on the first', async () => {
    const tokens = ['U.S.', 'naïve', '—', '👋', 'O’Neil', '12,5', 'x', '.']
    const tags = ['B-A', 'I-A', 'O', 'O', 'B-B', 'O', 'B-A', 'O']
    const dataset = Dataset.from([{ tokens, tags }])
    const { examples, labels: names, findings } = await encodeForTask('token-classification', dataset, await load())
    expect(findings).toEqual([])
    const [example] = examples
    const words = [...(example?.wordIds ?? [])]
    const inside = words.filter((word) => word >= 0)
    expect(inside).toEqual([...inside].sort((a, b) => a - b))
    const firsts = tokens.map((_, word) => words.indexOf(word))
    expect(firsts.map((at) => names[example?.labels[at] ?? -1])).toEqual(tags)
    expect(example?.labels.filter((label) => label !== -100).length).toBe(tokens.length)
  })

  test('pairs have the types that the tokenizer gives', async () => {
    const tokenizer = await load()
    const dataset = Dataset.from([{ premise: 'A cat sat.', hypothesis: 'It sat down', label: 1 }])
    const { examples } = await encodeForTask('sequence-classification', dataset, tokenizer)
    const { ids, typeIds } = await tokenizer.encodeWithOffsets('A cat sat.', { pair: 'It sat down' })
    expect(examples[0]?.inputIds).toEqual(ids)
    expect([...(examples[0]?.tokenTypeIds ?? ids.map(() => 0))]).toEqual(typeIds)
  })
})

describe.skipIf(goldensMissing !== '')('t5 and roberta', () => {
  test('t5 ends source and target itself', async () => {
    const tokenizer = await Tokenizer.load(goldenPath('models/t5'))
    const dataset = Dataset.from([{ translation: { en: 'The cat', sv: 'Katten' } }], {
      sourceLanguage: 'en',
      targetLanguage: 'sv',
    })
    const prefix = 'translate English to Swedish: '
    const { examples } = await encodeForTask('seq2seq-lm', dataset, tokenizer, { prefix })
    expect(examples[0]?.inputIds).toEqual(await tokenizer.encode(`${prefix}The cat`))
    expect(examples[0]?.labels).toEqual(await tokenizer.encode('Katten'))
    expect(examples[0]?.labels.at(-1)).toBe(tokenizer.eosTokenId)
  })

  test('roberta masks whole words, never <s> and </s>', async () => {
    const tokenizer = await Tokenizer.load(goldenPath('models/roberta-mlm'))
    const dataset = Dataset.from([{ text: 'The boat left the harbour at six in the morning.' }])
    const { atEpoch } = await encodeForTask('masked-lm', dataset, tokenizer, { wholeWord: true })
    for (let epoch = 0; epoch < 30; epoch++) {
      const { labels, inputIds } = atEpoch(0, epoch)
      expect([inputIds[0], inputIds.at(-1)]).toEqual([tokenizer.bosTokenId, tokenizer.eosTokenId])
      expect([labels[0], labels.at(-1)]).toEqual([-100, -100])
      expect(labels.some((label) => label !== -100)).toBe(true)
    }
  })
})
