import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { encodeDataset } from '../../lib/data/encode.js'
import { showExample } from '../../lib/data/show-example.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { removeFolder, writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'

let folder = ''
let tokenizer: Tokenizer
beforeAll(async () => {
  folder = await writeByteTokenizer()
  tokenizer = await (await Tokenizer.load(folder)).withChatTemplate('chatml')
})
afterAll(() => removeFolder(folder))

const bytes = (text: string): number[] => [...Buffer.from(text)]

describe('showExample', () => {
  test('a conversation: marks, what is read and what is trained on', async () => {
    const messages = [
      { role: 'user', content: 'wie? 👋🏽' },
      { role: 'assistant', content: 'Grüße 👋🏽' },
    ]
    const { examples } = await encodeDataset(Dataset.from([{ messages }]), tokenizer)
    const pieces = await showExample(examples[0]!, tokenizer)
    expect(pieces).toEqual([
      { text: '<|im_start|>', trained: false, special: true },
      { text: 'user\nwie? 👋🏽', trained: false, special: false },
      { text: '<|im_end|>', trained: false, special: true },
      { text: '\n', trained: false, special: false },
      { text: '<|im_start|>', trained: false, special: true },
      { text: 'assistant\n', trained: false, special: false },
      { text: 'Grüße 👋🏽', trained: true, special: false },
      { text: '<|im_end|>', trained: true, special: true },
      { text: '\n', trained: false, special: false },
    ])
  })

  test('a character of several tokens is not broken, and trained where one of them is', async () => {
    const inputIds = bytes('a€b')
    const labels = inputIds.map((id, at) => (at === 3 ? id : -100))
    expect(await showExample({ inputIds, labels }, tokenizer)).toEqual([
      { text: 'a', trained: false, special: false },
      { text: '€', trained: true, special: false },
      { text: 'b', trained: false, special: false },
    ])
    // The first token of a text is predicted by nothing.
    const all = await showExample({ inputIds: bytes('ab'), labels: bytes('ab') }, tokenizer)
    expect(all.map(({ text, trained }) => [text, trained])).toEqual([['a', false], ['b', true]]) // prettier-ignore
  })

  test('half a character, before a special token and at the end', async () => {
    const inputIds = [...bytes('a'), 0xe2, 257, 0xe2]
    const pieces = await showExample({ inputIds, labels: inputIds.map(() => -100) }, tokenizer)
    expect(pieces.map(({ text }) => text)).toEqual(['a\uFFFD', '</s>', '\uFFFD'])
  })

  test('other tasks: targets, answers, positives', async () => {
    const shown = async (...given: Parameters<typeof showExample>) =>
      (await showExample(...given)).map(({ text, trained }) => (trained ? `[${text}]` : text)).join('')
    const inputIds = bytes('abc')
    expect(await shown({ inputIds, labels: bytes('xyz') }, tokenizer, { task: 'seq2seq-lm' })).toBe('abc[xyz]')
    expect(await shown({ inputIds, labels: [1, 1] }, tokenizer, { task: 'question-answering' })).toBe('a[b]c')
    expect(await shown({ inputIds, labels: [7, -100, -100] }, tokenizer, { task: 'masked-lm' })).toBe('[a]bc')
    expect(await shown({ inputIds, labels: 1 }, tokenizer, { task: 'sequence-classification' })).toBe('abc')
    expect(await shown({ inputIds, positiveIds: bytes('p'), negativeIds: bytes('n') }, tokenizer)).toBe('abc[p]n')
  })
})
