/** Long texts of classifiers and taggers as windows: nothing is lost, nothing counts twice, the order is kept. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { encodeForTask, type TaskOptions } from '../../lib/data/encode-for-task.js'
import { requireOwnOptions } from '../../lib/data/encoding-options.js'
import { classRows, countRows } from '../../lib/data/label-findings.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { placesOfTokens, tokenWindows } from '../../lib/data/token-windows.js'
import type { Task } from '../../lib/task.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { refusal } from '../refusal.js'
import { removeFolder, writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'
import { wordIdsOf as w, writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

const [cls, sep] = [2, 3]
const x = -100
const letters = (text: string): string[] => Array.from(text)
const window = { truncation: 'window' } as const

/** [CLS] … [SEP] around each text; a tokenizer that adds nothing. */
let special: Tokenizer
let plain: Tokenizer
const folders: string[] = []
beforeAll(async () => {
  folders.push(await writeLetterTokenizer(), await writeByteTokenizer())
  special = await Tokenizer.load(folders[0] ?? '')
  plain = await Tokenizer.load(folders[1] ?? '')
})
afterAll(async () => {
  await Promise.all(folders.map(removeFolder))
})

const classify = (rows: DatasetRow[], options: TaskOptions<'sequence-classification'>, tokenizer = special) =>
  encodeForTask('sequence-classification', Dataset.from(rows), tokenizer, options)
const tag = (rows: DatasetRow[], options: TaskOptions<'token-classification'>, tokenizer = special) =>
  encodeForTask('token-classification', Dataset.from(rows), tokenizer, options)

const word = fc.string({ unit: fc.constantFrom(...letters('abcdefg')), minLength: 1, maxLength: 7 })
const sizes = fc.record({ maxLength: fc.integer({ min: 5, max: 14 }), stride: fc.nat({ max: 2 }) })

describe('sequence classification', () => {
  test('each window has the labels of its row, which counts once', async () => {
    const rows = [
      { text: 'abcdefgh', label: 'y' },
      { text: 'ab', label: 'n' },
    ]
    const encoded = await classify(rows, { ...window, maxLength: 5, stride: 1 })
    expect(encoded.examples).toEqual([
      { inputIds: Int32Array.of(cls, ...w('abc'), sep), labels: 1, row: 0, origin: 'row 0', window: 0 },
      { inputIds: Int32Array.of(cls, ...w('abcde').slice(2), sep), labels: 1, row: 0, origin: 'row 0', window: 1 },
      { inputIds: Int32Array.of(cls, ...w('abcdefg').slice(4), sep), labels: 1, row: 0, origin: 'row 0', window: 2 },
      { inputIds: Int32Array.of(cls, ...w('abcdefgh').slice(6), sep), labels: 1, row: 0, origin: 'row 0', window: 3 },
      { inputIds: Int32Array.of(cls, ...w('ab'), sep), labels: 0, row: 1, origin: 'row 1' },
    ])
    expect(encoded).toMatchObject({ tokens: 23, targets: 2, windows: 3, windowsLeftOut: 0, truncated: 0, skipped: 0 })
    expect(countRows(encoded.examples)).toBe(2)
    expect(classRows(encoded, undefined).map(({ name, rows: count }) => [name, count])).toEqual([
      ['n', 1],
      ['y', 1],
    ])
  })

  test('many labels and numbers stand in each window too', async () => {
    const several = await classify([{ text: 'abcdef', labels: ['p', 'q'] }], {
      ...window,
      maxLength: 5,
      labels: ['p', 'q', 'r'],
    })
    expect(several.examples.map(({ labels }) => labels)).toEqual([[1, 1, 0], [1, 1, 0]]) // prettier-ignore
    const numbers = await classify([{ text: 'abcdef', label: 0.25 }], { ...window, maxLength: 5 })
    expect(numbers.examples.map(({ labels }) => labels)).toEqual([0.25, 0.25])
  })

  test('of a pair the second text is cut; a first one that leaves it no room is named', async () => {
    const row = { text: 'ab', text_pair: 'cdefg', label: 0 }
    const { examples } = await classify([row], { ...window, maxLength: 8, stride: 1 })
    expect(examples.map(({ inputIds }) => [...inputIds])).toEqual([
      [cls, ...w('ab'), sep, ...w('cde'), sep],
      [cls, ...w('ab'), sep, ...w('cdefg').slice(2), sep],
    ])
    expect([...(examples[1]?.tokenTypeIds ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
    const narrow = classify([row, { ...row, text: 'abcdef' }], { ...window, maxLength: 8 })
    await expect(narrow).rejects.toMatchObject({ code: 'sequence-too-long', where: 'row 1' })
    await expect(narrow).rejects.toThrow(/first text of the pair has 6 tokens and leaves 0.*put the long text second/)
  })

  test('every token of a row stands in some window, in order, with added tokens and without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        sizes,
        fc.boolean(),
        async (words, size, adds) => {
          const tokenizer = adds ? special : plain
          const data = [{ text: words.join(' '), label: 1 }]
          const [whole] = (await classify(data, {}, tokenizer)).examples
          const encoded = await classify(data, { ...window, ...size }, tokenizer)
          const parts = encoded.examples.map(({ inputIds }) => [...(adds ? inputIds.slice(1, -1) : inputIds)])
          const joined = parts.flatMap((part, at) => (at === 0 ? part : part.slice(size.stride)))
          const text = adds ? whole?.inputIds.slice(1, -1) : whole?.inputIds
          expect(joined).toEqual([...(text ?? [])])
          for (const { inputIds } of encoded.examples) {
            expect(inputIds.length).toBeLessThanOrEqual(size.maxLength)
            if (adds) expect([inputIds[0], inputIds.at(-1)]).toEqual([cls, sep])
          }
          expect(encoded.windows).toBe(encoded.examples.length - 1)
          expect(countRows(encoded.examples)).toBe(1)
        },
      ),
    )
  })
})

describe('token classification', () => {
  test('a label stands where its word has most around it', async () => {
    const row = { tokens: letters('abcdef'), tags: [0, 1, 2, 3, 4, 5] }
    const labels = letters('012345')
    const { examples, ...counts } = await tag([row], { ...window, maxLength: 6, stride: 2, labels })
    expect(examples.map((example) => [...example.labels])).toEqual([
      [x, 0, 1, 2, x, x],
      [x, x, 3, 4, 5, x],
    ])
    expect(examples.map((example) => [...example.wordIds])).toEqual([
      [-1, 0, 1, 2, 3, -1],
      [-1, 2, 3, 4, 5, -1],
    ])
    expect(counts).toMatchObject({ targets: 6, windows: 1, windowsLeftOut: 0, tokens: 12 })
    expect(classRows({ examples, labels }, undefined).every(({ rows }) => rows === 1)).toBe(true)
  })

  test('every word’s label counts once, in order, with added tokens and without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(word, fc.constantFrom<string | number>('O', 'B-X', 'I-X')), { minLength: 1, maxLength: 12 }),
        sizes,
        fc.boolean(),
        fc.constantFrom('first' as const, 'all' as const),
        async (tagged, size, adds, labelPieces) => {
          const tokenizer = adds ? special : plain
          const labels = ['B-X', 'I-X', 'O']
          const data = [{ tokens: tagged.map(([token]) => token), tags: tagged.map(([, label]) => label) }]
          const whole = await tag(data, { labels, labelPieces }, tokenizer)
          const encoded = await tag(data, { ...window, ...size, labels, labelPieces }, tokenizer)
          const carried = (examples: typeof whole.examples): unknown[] =>
            examples.flatMap((example) =>
              [...example.labels].flatMap((label, at) =>
                label === x ? [] : [[example.wordIds[at], example.inputIds[at], label]],
              ),
            )
          expect(carried(encoded.examples)).toEqual(carried(whole.examples))
          expect(encoded.targets).toBe(whole.targets)
          expect(encoded.windows).toBe(encoded.examples.length - 1)
          for (const { inputIds } of encoded.examples) expect(inputIds.length).toBeLessThanOrEqual(size.maxLength)
          const words = new Set(encoded.examples.flatMap(({ wordIds }) => [...wordIds].filter((id) => id >= 0)))
          if (labelPieces === 'all') expect([...words]).toEqual(tagged.map((_, index) => index))
        },
      ),
    )
  })

  test('each token has one place, and those of a window stand together', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 80 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat({ max: 11 }),
        fc.nat({ max: 2 }),
        (length, size, stride, ends) => {
          fc.pre(stride < size)
          const edge = Array.from({ length: ends }, () => null)
          const sequenceIds = [...edge, ...Array.from({ length }, () => 0), ...edge]
          const found = tokenWindows({ sequenceIds }, 0, size + 2 * ends, stride) ?? []
          const places = placesOfTokens(
            found,
            sequenceIds.map((id) => id === null),
          )
          expect(places.map(({ at }) => at)).toEqual(Array.from({ length }, (_, at) => at + ends))
          expect(places.map(({ window }) => window)).toEqual(
            [...places].map(({ window }) => window).sort((a, b) => a - b),
          )
          for (const { at, window, place } of places) expect(found[window]?.[place]).toBe(at)
        },
      ),
    )
  })

  test('windows without a label are left out; of a row without any one stays', async () => {
    const tags = ['O', x, x, x, x, x, x, x, x]
    const some = await tag([{ tokens: letters('abcdefghi'), tags }], {
      ...window,
      maxLength: 5,
      stride: 0,
      labels: ['O'],
    })
    expect(some).toMatchObject({ targets: 1, windows: 0, windowsLeftOut: 2 })
    expect(some.examples.map(({ window }) => window)).toEqual([0])
    const none = await tag([{ tokens: letters('abcdefghi'), tags: tags.fill(x) }], {
      ...window,
      maxLength: 5,
      stride: 0,
      labels: ['O'],
    })
    expect(none).toMatchObject({ targets: 0, windows: 0, windowsLeftOut: 2 })
    expect(none.examples).toHaveLength(1)
  })
})

test('texts to mask tell their windows', async () => {
  const data = Dataset.from([{ text: 'abcdefg' }, { text: 'ab' }])
  const encoded = await encodeForTask('masked-lm', data, special, { ...window, maxLength: 5 })
  expect(encoded).toMatchObject({ windows: 2, windowsLeftOut: 0 })
  expect(encoded.examples.map(({ row }) => row)).toEqual([0, 0, 0, 1])
})

test('what is wrong with a long text says that windows are a way', async () => {
  const long = classify([{ text: 'abcdefg', label: 0 }], { maxLength: 5 })
  await expect(long).rejects.toThrow(/options\.truncation to 'tail', 'head', 'skip' or 'window'/)
})

test.each<[Task, Parameters<typeof requireOwnOptions>[0], string]>([
  ['causal-lm', { stride: 2 }, 'options.stride'],
  ['sequence-classification', { stride: 0 }, 'options.stride'],
  ['sequence-classification', { stride: 2, truncation: 'tail' }, 'options.stride'],
  ['token-classification', { stride: 2, truncation: 'skip' }, 'options.stride'],
  ['token-classification', { stride: 8, maxLength: 8, truncation: 'window' }, 'options.stride'],
  ['question-answering', { stride: 8, maxLength: 8 }, 'options.stride'],
  ['masked-lm', { stride: 2, truncation: 'window' }, 'options.stride'],
  ['seq2seq-lm', { truncation: 'window' }, 'options.truncation'],
  ['embedding', { truncation: 'window' }, 'options.truncation'],
  ['sequence-classification', { truncation: 'split' }, 'options.truncation'],
])('%s refuses %j', (task, options, where) => {
  const error = refusal(() => {
    requireOwnOptions(options, task)
  })
  expect(error).toMatchObject({ code: 'invalid-option', where })
})

test.each<[Task, Parameters<typeof requireOwnOptions>[0]]>([
  ['causal-lm', { stride: 2, truncation: 'window' }],
  ['sequence-classification', { stride: 7, maxLength: 8, truncation: 'window' }],
  ['token-classification', { truncation: 'window' }],
  ['question-answering', { stride: 2 }],
  ['masked-lm', { truncation: 'split' }],
])('%s takes %j', (task, options) => {
  expect(() => {
    requireOwnOptions(options, task)
  }).not.toThrow()
})

test.each(['sequence-classification', 'token-classification'] as const)('%s: windows without room', async (task) => {
  const rows =
    task === 'sequence-classification'
      ? [{ text: 'abcdef', label: 0 }]
      : [{ tokens: letters('abcdef'), tags: letters('OOOOOO') }]
  const encode = (options: { maxLength: number; stride: number }) =>
    encodeForTask<'sequence-classification' | 'token-classification'>(task, Dataset.from(rows), special, {
      ...window,
      ...options,
    })
  await expect(encode({ maxLength: 5, stride: 3 })).rejects.toMatchObject({
    code: 'invalid-option',
    where: 'options.stride',
  })
  await expect(encode({ maxLength: 2, stride: 0 })).rejects.toMatchObject({
    code: 'invalid-option',
    where: 'options.maxLength',
  })
})
