import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask, type TaskOptions } from '../../lib/data/encode-for-task.js'
import { labelsOfDataset } from '../../lib/data/encode-sequence-classification.js'
import { labelCounts, labelFindings } from '../../lib/data/label-findings.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { removeFolder } from '../tokenizer/byte-tokenizer.js'
import { letterId, wordIdsOf as w, writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

const [unknown, cls, sep, mask] = [1, 2, 3, 4]
const x = -100

let tokenizer: Tokenizer
const folders: string[] = []
beforeAll(async () => {
  folders.push(await writeLetterTokenizer())
  tokenizer = await Tokenizer.load(folders[0] ?? '')
})
afterAll(async () => {
  await Promise.all(folders.map(removeFolder))
})

const classify = (
  rows: DatasetRow[],
  options: TaskOptions<'sequence-classification'> = {},
): ReturnType<typeof encodeForTask<'sequence-classification'>> =>
  encodeForTask('sequence-classification', Dataset.from(rows), tokenizer, options)

describe('sequence classification', () => {
  test('names collected from the data, sorted whatever the order; origin and row', async () => {
    const encoded = await classify([
      { text: 'ab', label: 'spam' },
      { text: 'c', label: 'ham' },
    ])
    expect(encoded.labels).toEqual(['ham', 'spam'])
    expect(encoded.problemType).toBe('single_label_classification')
    expect(encoded.examples).toEqual([
      { inputIds: Int32Array.of(cls, ...w('ab'), sep), labels: 1, row: 0, origin: 'row 0' },
      { inputIds: Int32Array.of(cls, ...w('c'), sep), labels: 0, row: 1, origin: 'row 1' },
    ])
    expect(encoded).toMatchObject({ tokens: 7, targets: 2, truncated: 0, skipped: 0, findings: [] })
  })

  test('the model’s names win; numbers are indices unless the names are numbers', async () => {
    const of = async (labels: (string | number)[], names?: string[]): Promise<unknown[]> => {
      const rows = labels.map((label) => ({ text: 'a', label }))
      return (await classify(rows, { labels: names })).examples.map((example) => example.labels)
    }
    expect(await of(['b', 'a'], ['b', 'a', 'c'])).toEqual([0, 1])
    expect(await of([2, 0], ['b', 'a', 'c'])).toEqual([2, 0])
    expect(await of([5, 1], ['1', '3', '5'])).toEqual([2, 0])
    expect(await of([5, 1, 5, 10])).toEqual([1, 0, 1, 2])
    expect(labelsOfDataset(Dataset.from([10, 9, 1].map((label) => ({ text: 'a', label }))))).toEqual(['1', '9', '10'])
  })

  test('pairs have token types; the longer text gives first', async () => {
    const row = { text: 'ab', text_pair: 'cdefg', label: 0 }
    const { examples } = await classify([row])
    expect([...(examples[0]?.inputIds ?? [])]).toEqual([cls, ...w('ab'), sep, ...w('cdefg'), sep])
    expect([...(examples[0]?.tokenTypeIds ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    const tail = await classify([row], { maxLength: 8, truncation: 'tail' })
    expect([...(tail.examples[0]?.inputIds ?? [])]).toEqual([cls, ...w('ab'), sep, ...w('cde'), sep])
    expect([...(tail.examples[0]?.tokenTypeIds ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
    expect(tail.truncated).toBe(1)
    const head = await classify([row], { maxLength: 8, truncation: 'head' })
    expect([...(head.examples[0]?.inputIds ?? [])]).toEqual([cls, ...w('ab'), sep, ...w('cdefg').slice(2), sep])
  })

  test('many labels: names, indices, 0 and 1; one label a row serves too', async () => {
    const of = async (lists: (string | number)[][], options = {}): Promise<{ names: unknown; targets: unknown[] }> => {
      const encoded = await classify(
        lists.map((labels) => ({ text: 'a', labels })),
        options,
      )
      expect(encoded.problemType).toBe('multi_label_classification')
      return { names: encoded.labels, targets: encoded.examples.map((example) => example.labels) }
    }
    const names = ['a', 'b', 'c']
    expect(await of([['c', 'a'], [], ['b']])).toEqual({
      names,
      targets: [
        [1, 0, 1],
        [0, 0, 0],
        [0, 1, 0],
      ],
    })
    expect(await of([[2, 0], []], { labels: names })).toEqual({
      names,
      targets: [
        [1, 0, 1],
        [0, 0, 0],
      ],
    })
    expect(
      await of(
        [
          [1, 0, 1],
          [0, 0, 0],
        ],
        { labels: names },
      ),
    ).toEqual({
      names,
      targets: [
        [1, 0, 1],
        [0, 0, 0],
      ],
    })
    expect(await of([[0, 1], [1]], { labels: names })).toEqual({
      names,
      targets: [
        [1, 1, 0],
        [0, 1, 0],
      ],
    })
    expect(
      await of([
        [0, 1],
        [0, 0],
      ]),
    ).toEqual({
      names: ['0', '1'],
      targets: [
        [0, 1],
        [0, 0],
      ],
    })
    const single = await classify([{ text: 'a', label: 'b' }], {
      labels: names,
      problemType: 'multi_label_classification',
    })
    expect(single.examples[0]?.labels).toEqual([0, 1, 0])
  })

  test('numbers to predict, one or several', async () => {
    const one = await classify([0.5, 2].map((label) => ({ text: 'a', label })))
    expect(one.problemType).toBe('regression')
    expect(one.examples.map((example) => example.labels)).toEqual([0.5, 2])
    const whole = await classify([{ text: 'a', label: 3 }], { problemType: 'regression', numLabels: 1 })
    expect(whole.examples[0]?.labels).toBe(3)
    const two = await classify([{ text: 'a', labels: [0.5, 1] }], { numLabels: 2 })
    expect(two.examples[0]?.labels).toEqual([0.5, 1])
  })

  const t = 'a'
  const single = 'single_label_classification'
  test.each<[DatasetRow[], TaskOptions<'sequence-classification'>, string, string, string[]]>([
    [
      [
        { text: t, label: 'a' },
        { text: t, label: 'spa' },
      ],
      { labels: ['a', 'spam'] },
      'unknown-label',
      'row 1',
      ["'spa'", 'a, spam', '"spam"'],
    ],
    [[{ text: t, label: 2 }], { labels: ['a', 'b'] }, 'unknown-label', 'row 0', ['label 2']],
    [[{ text: t, label: -1 }], { labels: ['a', 'b'] }, 'unknown-label', 'row 0', ['label -1']],
    [[{ text: t, labels: ['a', 'z'] }], { labels: ['a', 'b'] }, 'unknown-label', 'row 0', ["'z'"]],
    [
      [
        { text: t, label: 'a' },
        { text: t, label: 1 },
      ],
      {},
      'mixed-label-types',
      'row 1',
      ['label 1 is a number', "'a' in row 0"],
    ],
    [[{ text: t, labels: ['a', 1] }], {}, 'mixed-label-types', 'row 0', ['number', 'string']],
    [
      [{ text: t, label: 'a' }],
      { labels: ['a'], numLabels: 2 },
      'label-count-mismatch',
      'options.labels',
      ['1 labels', '2 outputs'],
    ],
    [
      ['a', 'b', 'c'].map((label) => ({ text: t, label })),
      { numLabels: 2 },
      'label-count-mismatch',
      'row 0',
      ['3 labels (a, b, c)', 'has 2'],
    ],
    [
      [
        { text: t, labels: [0, 1, 1] },
        { text: t, labels: [0, 1] },
      ],
      { numLabels: 3 },
      'label-count-mismatch',
      'row 1',
      ['2 entries', 'expected 3'],
    ],
    [
      [{ text: t, labels: [0, 1, 1] }],
      { labels: ['a', 'b'] },
      'label-count-mismatch',
      'row 0',
      ['3 entries', 'expected 2'],
    ],
    [[{ text: t, labels: ['a', 'a'] }], {}, 'invalid-dataset', 'row 0', ['stands twice']],
    [[{ text: t, labels: ['a'] }], { problemType: single }, 'invalid-dataset', 'row 0', ['multi_label_classification']],
    [[{ text: t, label: 0.5 }], { problemType: single }, 'invalid-dataset', 'row 0', ["'regression'"]],
    [[{ text: t, label: 'a' }], { problemType: 'regression' }, 'invalid-dataset', 'row 0', ["'a' is a name"]],
    [
      [{ text: t, labels: [1, 2] }],
      { problemType: 'regression', numLabels: 3 },
      'label-count-mismatch',
      'row 0',
      ['2 numbers', '3'],
    ],
    [
      [
        { text: t, label: 1 },
        { text: t, text_pair: t, label: 1 },
      ],
      {},
      'invalid-dataset',
      'row 1',
      ['pair of texts', 'row 0'],
    ],
    [[{ text: t }], {}, 'invalid-dataset', 'row 0', ["'text'", 'causal-lm or masked-lm', "'text-label'"]],
    [[{ text: 'abc', label: 1 }], { maxLength: 4 }, 'sequence-too-long', 'row 0', ['5 tokens', '(4)']],
    [
      [{ text: 'abc', label: 1 }],
      { maxLength: 2, truncation: 'tail' },
      'invalid-option',
      'options.maxLength',
      ['no room', 'row 0'],
    ],
  ])('%j with %j is refused', async (rows, options, code, where, parts) => {
    const encoding = classify(rows, options)
    await expect(encoding).rejects.toMatchObject({ code, where })
    for (const part of parts) await expect(encoding).rejects.toThrow(part)
  })

  test('one error names ten rows and counts the rest', async () => {
    const rows = Array.from({ length: 15 }, () => ({ text: 'a', label: 'q' }))
    const encoding = classify(rows, { labels: ['a', 'b'] })
    await expect(encoding).rejects.toThrow(/15 rows[^]*row 8, row 9 and 5 more rows: label/)
  })

  test('findings: classes that are missing or rare', async () => {
    const labels = ['a', 'b', 'c']
    const rows = (text: string): DatasetRow[] => Array.from(text, (label) => ({ text: 'a', label }))
    const train = await classify(rows('aaaaaab'), { labels })
    const validation = await classify(rows('ac'), { labels })
    expect(labelCounts(train)).toEqual([6, 1, 0])
    expect(labelFindings(train, validation).map(({ code, origins }) => [code, origins])).toEqual([
      ['class-with-few-rows', ['row 6']],
      ['class-absent-from-validation', []],
      ['class-absent-from-training', ['row 1']],
    ])
    expect(labelFindings(train)[0]?.message).toContain("'b' has only 1 training row: row 6")
    expect(labelFindings(await classify([{ text: 'a', label: 0.5 }]))).toEqual([])
    const many = await classify([{ text: 'a', labels: ['a', 'c'] }], { labels })
    expect(labelCounts(many)).toEqual([1, 0, 1])
  })
})

describe('token classification', () => {
  const names = ['B-X', 'I-X', 'O']
  const row = { tokens: ['ab', 'c', 'de.'], tags: ['B-X', 'I-X', 'O'] }
  const tag = (
    rows: DatasetRow[],
    options: TaskOptions<'token-classification'> = {},
  ): ReturnType<typeof encodeForTask<'token-classification'>> =>
    encodeForTask('token-classification', Dataset.from(rows), tokenizer, options)

  test('the first piece carries the label, or all of them', async () => {
    const encoded = await tag([row])
    const [example] = encoded.examples
    expect(encoded.labels).toEqual(names)
    expect([...(example?.inputIds ?? [])]).toEqual([cls, ...w('ab', 'c', 'de', '.'), sep])
    expect([...(example?.labels ?? [])]).toEqual([x, 0, x, 1, 2, x, x, x])
    expect([...(example?.wordIds ?? [])]).toEqual([-1, 0, 0, 1, 2, 2, 2, -1])
    expect(encoded.targets).toBe(3)
    const all = await tag([row], { labelPieces: 'all' })
    expect([...(all.examples[0]?.labels ?? [])]).toEqual([x, 0, 1, 1, 2, 2, 2, x])
    const onlyB = await tag([{ tokens: ['ab'], tags: ['B-Y'] }], { labelPieces: 'all' })
    expect([...(onlyB.examples[0]?.labels ?? [])]).toEqual([x, 0, 0, x])
  })

  test('ids of tags, -100 among them, and the model’s names', async () => {
    const ids = await tag([{ tokens: ['a', 'b', 'c'], tags: [2, -100, 0] }], { labels: names })
    expect([...(ids.examples[0]?.labels ?? [])]).toEqual([x, 2, x, 0, x])
    expect(labelCounts(ids)).toEqual([1, 0, 1])
  })

  test('a cut text keeps what is left', async () => {
    const { examples, truncated } = await tag([row], { maxLength: 5, truncation: 'tail', labels: names })
    expect(truncated).toBe(1)
    expect([...(examples[0]?.labels ?? [])]).toEqual([x, 0, x, 1, x])
  })

  test('wrong tags are named', async () => {
    const unknownTag = tag([row, { tokens: ['a'], tags: ['B-Z'] }], { labels: names })
    await expect(unknownTag).rejects.toMatchObject({ code: 'unknown-label', where: 'row 1' })
    await expect(tag([{ tokens: ['a', 'b'], tags: ['O', 1] }])).rejects.toMatchObject({ code: 'mixed-label-types' })
  })
})

describe('question answering', () => {
  const context = 'ab cd ef gh'
  const row = { question: 'qr?', context, answers: { text: ['ef gh'], answer_start: [6] } }
  const ask = (
    rows: DatasetRow[],
    options: TaskOptions<'question-answering'> = {},
  ): ReturnType<typeof encodeForTask<'question-answering'>> =>
    encodeForTask('question-answering', Dataset.from(rows), tokenizer, options)
  const question = [cls, ...w('qr', '?'), sep]

  test('one window: tokens of the answer, offsets back to characters', async () => {
    const [example] = (await ask([row])).examples
    expect([...(example?.inputIds ?? [])]).toEqual([...question, ...w('ab', 'cd', 'ef', 'gh'), sep])
    const [start, end] = example?.labels ?? [0, 0]
    expect([start, end]).toEqual([9, 12])
    expect(context.slice(example?.offsets[start]?.[0], example?.offsets[end]?.[1])).toBe('ef gh')
    expect(example?.offsets.slice(0, 6)).toEqual([null, null, null, null, null, [0, 1]])
    expect(example?.offsets.at(-1)).toBeNull()
    expect([...(example?.tokenTypeIds ?? [])]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1])
  })

  test('windows share stride tokens; those without the answer point at [CLS] or nowhere', async () => {
    const { examples, targets } = await ask([row, row], { maxLength: 11, stride: 2 })
    const pieces = ['abcde', 'defgh'].map((letters) => letters.length)
    expect(pieces).toEqual([5, 5])
    expect(examples.map((example) => example.row)).toEqual([0, 0, 1, 1])
    expect([...(examples[0]?.inputIds ?? [])].slice(5)).toEqual([...w('ab', 'cd', 'e'), sep])
    expect([...(examples[1]?.inputIds ?? [])].slice(5)).toEqual([...w('cd').slice(1), ...w('ef', 'gh'), sep])
    expect(examples[0]?.labels).toEqual([0, 0])
    expect(examples[1]?.labels).toEqual([6, 9])
    expect(targets).toBe(4)
    const ignored = await ask([row], { maxLength: 11, stride: 2, noAnswer: 'ignore' })
    expect(ignored.examples[0]?.labels).toEqual([x, x])
    expect(ignored.targets).toBe(1)
    expect(ignored.findings).toEqual([])
  })

  test('no answer, an answer no window holds, a question without room', async () => {
    const none = await ask([{ ...row, answers: { text: [], answer_start: [] } }])
    expect(none.examples[0]?.labels).toEqual([0, 0])
    expect(none.findings).toEqual([])
    const cut = await ask([row], { maxLength: 9, stride: 1 })
    expect(cut.examples.every(({ labels }) => labels[0] === 0)).toBe(true)
    expect(cut.findings).toMatchObject([{ code: 'answer-in-no-window', origins: ['row 0'] }])
    const narrow = ask([row], { maxLength: 8, stride: 2 })
    await expect(narrow).rejects.toMatchObject({ code: 'sequence-too-long', where: 'row 0' })
    await expect(ask([row], { stride: -1 })).rejects.toMatchObject({ where: 'options.stride' })
  })
})

describe('masked LM', () => {
  const text = Array.from({ length: 40 }, (_, index) => 'abcdefghij'.slice(0, 1 + (index % 5))).join(' ')
  const encode = (
    rows: DatasetRow[],
    options: TaskOptions<'masked-lm'> = {},
  ): ReturnType<typeof encodeForTask<'masked-lm'>> => encodeForTask('masked-lm', Dataset.from(rows), tokenizer, options)

  test('15 % of the tokens, 80/10/10, never the special ones', async () => {
    const encoded = await encode(Array.from({ length: 50 }, () => ({ text })))
    const ids = [...(await tokenizer.encode(text))]
    let [masked, other, same] = [0, 0, 0]
    for (const { inputIds, labels } of encoded.examples) {
      expect([labels[0], labels.at(-1)]).toEqual([x, x])
      expect(labels.filter((label) => label !== x).length).toBe(18)
      labels.forEach((label, at) => {
        if (label === x) expect(inputIds[at]).toBe(ids[at])
        else {
          expect(label).toBe(ids[at])
          if (inputIds[at] === mask) masked++
          else if (inputIds[at] === label) same++
          else other++
          if (inputIds[at] !== mask) expect(inputIds[at]).toBeGreaterThan(mask)
        }
      })
    }
    expect(encoded.targets).toBe(900)
    expect(masked + other + same).toBe(900)
    // Three standard deviations of 900 draws: 36 and 27.
    expect(Math.abs(masked - 720)).toBeLessThan(36)
    expect(Math.abs(other - 90)).toBeLessThan(27)
    expect(Math.abs(same - 90)).toBeLessThan(27)
  })

  test('another mask in each epoch and for each seed, the same one again', async () => {
    const rows = [{ text }, { text }]
    const { examples, atEpoch } = await encode(rows)
    expect(atEpoch(0, 0)).toEqual(examples[0])
    expect(atEpoch(0, 1)).not.toEqual(examples[0])
    expect(atEpoch(1, 1)).toEqual((await encode(rows)).atEpoch(1, 1))
    expect(examples[1]?.inputIds).not.toEqual(examples[0]?.inputIds)
    expect((await encode(rows, { seed: 1 })).examples[0]).not.toEqual(examples[0])
  })

  test('whole words', async () => {
    const { examples } = await encode(
      Array.from({ length: 20 }, () => ({ text })),
      { wholeWord: true },
    )
    const { wordIds } = await tokenizer.encodeWithOffsets(text)
    for (const { labels } of examples) {
      const picked = new Set(wordIds.filter((word, at) => word !== null && labels[at] !== x))
      expect(picked.size).toBeGreaterThan(2)
      wordIds.forEach((word, at) => {
        expect(labels[at] !== x).toBe(picked.has(word) && word !== null)
      })
    }
  })

  test('a long text in parts, one token at least, nothing to mask, no mask token', async () => {
    const parts = await encode([{ text: 'abcdefg' }], { maxLength: 5, truncation: 'split' })
    expect(parts.examples.map(({ inputIds }) => inputIds.length)).toEqual([5, 5, 3])
    for (const { inputIds, labels } of parts.examples) {
      expect([inputIds[0], inputIds.at(-1)]).toEqual([cls, sep])
      expect(labels.filter((label) => label !== x).length).toBe(1)
    }
    const nothing = encode([{ text: 'a' }, { text: '' }])
    await expect(nothing).rejects.toMatchObject({ code: 'all-labels-masked', where: 'row 1' })
    const folder = await writeLetterTokenizer({ mask_token: null })
    folders.push(folder)
    const without = encodeForTask('masked-lm', Dataset.from([{ text: 'a' }]), await Tokenizer.load(folder))
    await expect(without).rejects.toMatchObject({ code: 'invalid-tokenizer', where: folder })
    await expect(encode([{ text: 'a' }], { maskProbability: 0 })).rejects.toMatchObject({ code: 'invalid-option' })
  })
})

describe('sequence to sequence, embeddings, causal', () => {
  test('prefix, eos after both, a limit for each side', async () => {
    const folder = await writeLetterTokenizer({ eos_token: '[PAD]' })
    folders.push(folder)
    const withEos = await Tokenizer.load(folder)
    const rows = Dataset.from([{ source: 'ab', target: 'cdefg' }])
    const { examples, targets } = await encodeForTask('seq2seq-lm', rows, withEos, { prefix: 'q ' })
    expect([...(examples[0]?.inputIds ?? [])]).toEqual([cls, ...w('q', 'ab'), sep, 0])
    expect([...(examples[0]?.labels ?? [])]).toEqual([cls, ...w('cdefg'), sep, 0])
    expect(targets).toBe(8)
    const cut = await encodeForTask('seq2seq-lm', rows, withEos, { maxTargetLength: 5, truncation: 'tail' })
    expect([...(cut.examples[0]?.labels ?? [])]).toEqual([cls, ...w('cd'), sep, 0])
    const prompts = Dataset.from([{ prompt: 'a', completion: 'b' }])
    expect((await encodeForTask('seq2seq-lm', prompts, withEos)).examples).toHaveLength(1)
    const empty = Dataset.from([{ prompt: 'a', completion: ' ' }])
    await expect(encodeForTask('seq2seq-lm', empty, withEos)).rejects.toMatchObject({ where: 'row 0' })
    await expect(encodeForTask('seq2seq-lm', rows, tokenizer)).rejects.toMatchObject({ code: 'invalid-tokenizer' })
  })

  test('anchor, positive and negative; a row with a text too long is left out whole', async () => {
    const rows = [
      { anchor: 'a', positive: 'b', negative: 'c' },
      { anchor: 'abcdef', positive: 'b' },
      { anchor: 'a', positive: 'b', negative: 'abcdef' },
      { anchor: 'd', positive: 'ef' },
    ]
    const encoded = await encodeForTask('embedding', Dataset.from(rows), tokenizer, {
      maxLength: 5,
      truncation: 'skip',
    })
    const ids = (word: string): Int32Array => Int32Array.of(cls, ...w(word), sep)
    expect(encoded.examples).toEqual([
      { inputIds: ids('a'), positiveIds: ids('b'), negativeIds: ids('c'), row: 0, origin: 'row 0' },
      { inputIds: ids('d'), positiveIds: ids('ef'), row: 3, origin: 'row 3' },
    ])
    expect(encoded).toMatchObject({ skipped: 2, tokens: 9 + 7 })
  })

  test('causal text goes through the same door; labelled rows are refused with a hint', async () => {
    const { examples } = await encodeForTask('causal-lm', Dataset.from([{ text: 'ab' }]), tokenizer)
    expect(examples[0]).toMatchObject({ row: 0, origin: 'row 0' })
    expect([...(examples[0]?.inputIds ?? [])]).toEqual([cls, ...w('ab'), sep])
    const labelled = Dataset.from([{ text: 'ab', label: 1 }])
    await expect(encodeForTask('causal-lm', labelled, tokenizer)).rejects.toThrow("shape: 'text'")
    await expect(encodeForTask('masked-lm', labelled, tokenizer)).rejects.toMatchObject({ code: 'invalid-dataset' })
  })

  test('an abort stops every encoder; unknown letters are no empty text', async () => {
    const signal = AbortSignal.abort()
    const rows = Dataset.from([{ text: 'ä', label: 1 }])
    await expect(encodeForTask('sequence-classification', rows, tokenizer, { signal })).rejects.toMatchObject({
      code: 'aborted',
    })
    const { examples } = await encodeForTask('sequence-classification', rows, tokenizer)
    expect([...(examples[0]?.inputIds ?? [])]).toEqual([cls, unknown, sep])
    expect(letterId('a', true)).toBe(34)
  })
})
