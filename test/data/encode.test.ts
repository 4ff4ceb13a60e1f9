import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { encodeDataset, type EncodeDatasetOptions, type LossOn, type TrainingExample } from '../../lib/data/encode.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'
import { removeFolder, writeByteTokenizer, type ByteTokenizerOptions } from '../tokenizer/byte-tokenizer.js'

const [bos, eos, start, end] = [256, 257, 259, 260]
const x = -100
const bytes = (text: string): number[] => [...Buffer.from(text)]
const masked = (count: number): number[] => new Array<number>(count).fill(x)

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map(removeFolder))
})

async function tokenizerWith(options: ByteTokenizerOptions = {}): Promise<Tokenizer> {
  const folder = await writeByteTokenizer(options)
  folders.push(folder)
  return Tokenizer.load(folder)
}

async function encodeOne(
  row: DatasetRow,
  tokenizer: Tokenizer,
  options: EncodeDatasetOptions = {},
): Promise<{ ids: number[]; labels: number[] }> {
  const { examples } = await encodeDataset(Dataset.from([row]), tokenizer, options)
  const [example] = examples as readonly [TrainingExample]
  return { ids: [...example.inputIds], labels: [...example.labels] }
}

describe('text', () => {
  test('added tokens, eos at the end, loss on all', async () => {
    const { ids, labels } = await encodeOne({ text: 'hé' }, await tokenizerWith({ addBos: true }))
    expect(ids).toEqual([bos, ...bytes('hé'), eos])
    expect(labels).toEqual(ids)
  })

  test('eos only once, and not where it is not wanted or there is none', async () => {
    const row = { text: 'ab' }
    expect((await encodeOne(row, await tokenizerWith({ addEos: true }))).ids).toEqual([...bytes('ab'), eos])
    expect((await encodeOne(row, await tokenizerWith(), { appendEos: false })).ids).toEqual(bytes('ab'))
    expect((await encodeOne(row, await tokenizerWith({ config: { eos_token: null } }))).ids).toEqual(bytes('ab'))
  })
})

describe('prompt and completion', () => {
  const row = { prompt: 'ab', completion: 'cde' }

  test('loss on the completion and the eos that ends it', async () => {
    const { ids, labels } = await encodeOne(row, await tokenizerWith({ addBos: true }))
    expect(ids).toEqual([bos, ...bytes('abcde'), eos])
    expect(labels).toEqual([x, x, x, ...bytes('cde'), eos])
  })

  test('what the tokenizer adds after a text does not stand between them', async () => {
    const tokenizer = await tokenizerWith({ addBos: true, addEos: true })
    expect((await encodeOne(row, tokenizer)).ids).toEqual([bos, ...bytes('abcde'), eos])
    const empty = await encodeOne({ prompt: '', completion: 'cde' }, tokenizer)
    expect(empty.ids).toEqual([bos, ...bytes('cde'), eos])
    expect(empty.labels).toEqual([x, ...bytes('cde'), eos])
    const onlyEos = await tokenizerWith({ addEos: true })
    expect((await encodeOne({ prompt: '', completion: 'cde' }, onlyEos)).ids).toEqual([...bytes('cde'), eos])
  })

  test('loss on all', async () => {
    const { ids, labels } = await encodeOne(row, await tokenizerWith(), { loss: 'all' })
    expect(labels).toEqual(ids)
  })

  test('an eos written in the data is not doubled', async () => {
    const { ids } = await encodeOne({ prompt: 'a', completion: 'b</s>' }, await tokenizerWith())
    expect(ids).toEqual([...bytes('ab'), eos])
  })
})

const chatml =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}" +
  "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

describe('messages', () => {
  const messages = [
    { role: 'user', content: 'u' },
    { role: 'assistant', content: 'A👋' },
    { role: 'user', content: 'v' },
    { role: 'assistant', content: 'B' },
  ]
  const turn = (role: string, content: string): number[] => [start, ...bytes(`${role}\n${content}`), end]
  const expectedIds = messages.flatMap(({ role, content }) => turn(role, content))
  const read = (role: string, content: string): number[] => masked(turn(role, content).length)
  const said = (content: string): number[] => [...masked(bytes('_assistant\n').length), ...bytes(content), end]

  test('loss on what the assistant says, by tags and by prefixes', async () => {
    for (const chatTemplate of [chatml, chatml.replaceAll(/\{% (end)?generation %\}/g, '')]) {
      const tokenizer = await tokenizerWith({ chatTemplate, addBos: true })
      const { ids, labels } = await encodeOne({ messages }, tokenizer)
      expect(ids).toEqual(expectedIds)
      expect(labels).toEqual([...read('user', 'u'), ...said('A👋'), ...read('user', 'v'), ...said('B')])
      const last = await encodeOne({ messages }, tokenizer, { loss: 'last-assistant' })
      expect(last.labels).toEqual([...masked(expectedIds.length - said('B').length), ...said('B')])
      expect((await encodeOne({ messages }, tokenizer, { loss: 'all' })).labels).toEqual(expectedIds)
    }
  })

  test('what has weight 0 carries no loss, whatever else does', async () => {
    const weighed = messages.map((message, at) => (at === 1 ? { ...message, weight: 0 } : message))
    for (const chatTemplate of [chatml, chatml.replaceAll(/\{% (end)?generation %\}/g, '')]) {
      const tokenizer = await tokenizerWith({ chatTemplate })
      const labelsOf = async (row: DatasetRow, loss?: LossOn): Promise<number[]> =>
        (await encodeOne(row, tokenizer, { loss })).labels
      const onlyLast = [...masked(expectedIds.length - said('B').length), ...said('B')]
      expect((await encodeOne({ messages: weighed }, tokenizer)).ids).toEqual(expectedIds)
      for (const loss of ['assistant', 'completion', 'last-assistant'] as const) {
        expect(await labelsOf({ messages: weighed }, loss), loss).toEqual(onlyLast)
      }
      const silent = [turn('user', 'u').length + said('').length - 1, said('A👋').length - said('').length + 1] as const
      const allButOne = [...expectedIds].fill(x, silent[0], silent[0] + silent[1])
      expect(await labelsOf({ messages: weighed }, 'all')).toEqual(allButOne)
      const weighing = messages.map((message) => (message.role === 'user' ? message : { ...message, weight: 1 }))
      expect(await labelsOf({ messages: weighing }, 'all')).toEqual(expectedIds)
      const lastSilent = messages.map((message, at) => (at === 3 ? { ...message, weight: 0 } : message))
      await expect(labelsOf({ messages: lastSilent }, 'last-assistant')).rejects.toMatchObject({
        code: 'all-labels-masked',
      })
      // TRL's rows of a prompt and a completion that are conversations.
      const parts = { prompt: messages.slice(0, 3), completion: messages.slice(3) }
      const { examples } = await encodeDataset(Dataset.from([parts]), tokenizer, { loss: 'completion' })
      expect([...(examples[0]?.labels ?? [])]).toEqual(onlyLast)
    }
  })

  test('a tokenizer without a template, and a template that refuses, name what is wrong', async () => {
    const dataset = Dataset.from([{ messages: messages.slice(0, 2) }, { messages }])
    await expect(encodeDataset(dataset, await tokenizerWith())).rejects.toMatchObject({ code: 'invalid-chat-template' })
    const chatTemplate = "{% if messages | length > 2 %}{{ raise_exception('too long a talk') }}{% endif %}" + chatml
    const failing = encodeDataset(dataset, await tokenizerWith({ chatTemplate }))
    await expect(failing).rejects.toMatchObject({ code: 'chat-template-failed', where: 'row 1' })
    await expect(failing).rejects.toThrow('too long a talk')
  })

  test('tools and variables reach the template', async () => {
    const chatTemplate = '{{ tools[0].name }}{{ mood }}' + chatml
    const tokenizer = await tokenizerWith({ chatTemplate })
    const row = { messages, tools: [{ name: 'add' }] }
    const { ids } = await encodeOne(row, tokenizer, { chatTemplateVariables: { mood: '!' } })
    expect(ids.slice(0, 4)).toEqual(bytes('add!'))
  })
})

describe('limits and refusals', () => {
  const rows = [{ text: 'abc' }, { text: 'abcdefgh' }, { text: 'ab' }]

  test('a row that is too long is named, with its length and the limit', async () => {
    const encoding = encodeDataset(Dataset.from(rows), await tokenizerWith(), { maxLength: 5 })
    await expect(encoding).rejects.toMatchObject({ code: 'sequence-too-long', where: 'row 1' })
    await expect(encoding).rejects.toThrow(/row 1 has 9 tokens.*\(5\)/)
  })

  test('cut at either end, or left out, and counted', async () => {
    const tokenizer = await tokenizerWith()
    const encode = (truncation: 'tail' | 'head' | 'skip'): ReturnType<typeof encodeDataset> =>
      encodeDataset(Dataset.from(rows), tokenizer, { maxLength: 5, truncation })
    const tail = await encode('tail')
    expect(tail).toMatchObject({ truncated: 1, truncatedTokens: 4, skipped: 0, tokens: 4 + 5 + 3, targets: 3 + 4 + 2 })
    expect([...(tail.examples[1]?.inputIds ?? [])]).toEqual(bytes('abcde'))
    expect([...((await encode('head')).examples[1]?.inputIds ?? [])]).toEqual([...bytes('efgh'), eos])
    const skip = await encode('skip')
    expect(skip).toMatchObject({ truncated: 0, skipped: 1, tokens: 7, targets: 5 })
    expect(skip.examples.map(({ origin }) => origin)).toEqual(['row 0', 'row 2'])
  })

  test("cut at the beginning: the BOS stays, the tokenizer's and a template's", async () => {
    const limits = { maxLength: 5, truncation: 'head' } as const
    const text = await encodeOne({ text: 'abcdefgh' }, await tokenizerWith({ addBos: true }), limits)
    expect(text.ids).toEqual([bos, ...bytes('fgh'), eos])
    const template = '<s>{% for message in messages %}{{ message.content }}{% endfor %}'
    const chat = await tokenizerWith({ chatTemplate: template })
    const messages = [{ role: 'assistant' as const, content: 'abcd' }]
    const cut = await encodeOne({ messages }, chat, { ...limits, maxLength: 3, loss: 'all' })
    expect(cut.ids).toEqual([bos, ...bytes('cd')])
  })

  test('windows: every label once, none too long, the added tokens around each', async () => {
    const tokenizers = [
      await tokenizerWith(),
      await tokenizerWith({ addBos: true }),
      await tokenizerWith({ addBos: true, addEos: true }),
    ]
    const letters = fc
      .integer({ min: 1, max: 60 })
      .map((length) => 'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, length))
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 2 }),
        letters,
        letters,
        fc.boolean(),
        fc.integer({ min: 5, max: 20 }),
        fc.nat({ max: 2 }),
        async (which, prompt, completion, isText, maxLength, stride) => {
          const tokenizer = tokenizers[which] as Tokenizer
          const data = Dataset.from([isText ? { text: completion } : { prompt, completion }])
          const whole = await encodeDataset(data, tokenizer)
          const encoded = await encodeDataset(data, tokenizer, { maxLength, truncation: 'window', stride })
          expect(encoded.targets).toBe(whole.targets)
          expect(encoded.windows).toBe(encoded.examples.length - 1)
          const targetsOf = (examples: readonly TrainingExample[]): number[] =>
            examples.flatMap(({ labels }) => [...labels.slice(1)].filter((label) => label !== x))
          expect(targetsOf(encoded.examples)).toEqual(targetsOf(whole.examples))
          for (const { inputIds } of encoded.examples) {
            expect(inputIds.length).toBeLessThanOrEqual(maxLength)
            if (which > 0) expect(inputIds[0]).toBe(bos)
            if (which === 2 && isText) expect(inputIds.at(-1)).toBe(eos)
          }
        },
      ),
    )
    const prompt = Dataset.from([{ prompt: 'abcdefgh', completion: 'ij' }])
    const left = await encodeDataset(prompt, tokenizers[1] as Tokenizer, { maxLength: 5, truncation: 'window' })
    expect(left).toMatchObject({ truncated: 0, windows: 0, windowsLeftOut: 2, targets: 3 })
    const narrow = encodeDataset(prompt, tokenizers[1] as Tokenizer, { maxLength: 5, truncation: 'window', stride: 4 })
    await expect(narrow).rejects.toMatchObject({ code: 'invalid-option', where: 'options.stride' })
    const text = Dataset.from([{ text: 'abc' }])
    const tight = encodeDataset(text, tokenizers[2] as Tokenizer, { maxLength: 2, truncation: 'window' })
    await expect(tight).rejects.toMatchObject({ code: 'invalid-option', where: 'options.maxLength' })
  })

  test('a stride that has no effect, or is as long as a window, is refused', async () => {
    const [tokenizer, data] = [await tokenizerWith(), Dataset.from([{ text: 'ab' }])]
    for (const options of [
      { maxLength: 8, stride: 2 },
      { maxLength: 8, stride: 0, truncation: 'tail' as const },
      { maxLength: 8, stride: 8, truncation: 'window' as const },
      { maxLength: 8, stride: 1.5, truncation: 'window' as const },
    ]) {
      const encoding = encodeDataset(data, tokenizer, options)
      await expect(encoding).rejects.toMatchObject({ code: 'invalid-option', where: 'options.stride' })
    }
  })

  test('rows without a target are named; the first token is none', async () => {
    const tokenizer = await tokenizerWith({ chatTemplate: chatml })
    const dataset = Dataset.from([
      { prompt: 'a', completion: 'b' },
      { prompt: '', completion: 'b' },
      { prompt: 'a', completion: '' },
    ])
    const encoding = encodeDataset(dataset, tokenizer, { appendEos: false })
    await expect(encoding).rejects.toMatchObject({ code: 'all-labels-masked', where: 'row 1' })
    await expect(encoding).rejects.toThrow('row 1, row 2')
    const long = Dataset.from([{ prompt: 'abcdef', completion: 'g' }])
    const cutOff = encodeDataset(long, tokenizer, { maxLength: 4, truncation: 'tail' })
    await expect(cutOff).rejects.toThrow('truncation')
  })

  test.each([
    [{ text: 'a' }, { loss: 'completion' }, 'options.loss'],
    [{ prompt: 'a', completion: 'b' }, { loss: 'assistant' }, 'options.loss'],
    [{ text: 'a' }, { maxLength: 1 }, 'options.maxLength'],
    [{ text: 'a' }, { maxLength: 2.5 }, 'options.maxLength'],
  ] as [DatasetRow, EncodeDatasetOptions, string][])('%o with %o', async (row, options, where) => {
    const encoding = encodeDataset(Dataset.from([row]), await tokenizerWith(), options)
    await expect(encoding).rejects.toMatchObject({ code: 'invalid-option', where })
  })

  test('an abort stops the work', async () => {
    const encoding = encodeDataset(Dataset.from(rows), await tokenizerWith(), { signal: AbortSignal.abort() })
    await expect(encoding).rejects.toMatchObject({ code: 'aborted' })
  })

  test('many rows come out in order', async () => {
    const dataset = Dataset.from(Array.from({ length: 1300 }, (_, index) => ({ text: String(index) })))
    const { examples } = await encodeDataset(dataset, await tokenizerWith())
    expect(examples.length).toBe(1300)
    for (const index of [0, 511, 512, 1299]) {
      expect(examples[index]?.origin).toBe(`row ${index}`)
      expect([...(examples[index]?.inputIds ?? [])]).toEqual([...bytes(String(index)), eos])
    }
  })
})

interface ChatGolden {
  tokenizer: string
  template: string
  cases: {
    conversation: string
    add_generation_prompt: boolean
    continue_final_message?: boolean
    ids?: number[]
    assistant_spans?: [number, number][]
  }[]
}

if (goldensMissing !== '') test.skip(goldensMissing)

describe.skipIf(goldensMissing !== '').each(['chatml', 'gemma', 'llama3', 'mistral', 'phi3', 'zephyr'])(
  'golden %s',
  (name) => {
    test('ids and labels of every conversation with an assistant', async () => {
      const golden = readGolden<ChatGolden>('chat', `${name}.json`)
      const { conversations } = readGolden<{ conversations: Record<string, DatasetRow> }>('chat', 'conversations.json')
      const tokenizer = await Tokenizer.load(goldenPath(golden.tokenizer))
      expect(tokenizer.chatTemplate?.source).toBe(golden.template)
      let compared = 0
      for (const { conversation, ids, assistant_spans: spans, ...kind } of golden.cases) {
        if (kind.add_generation_prompt || ids === undefined || spans === undefined || spans.length === 0) continue
        const row = conversations[conversation]
        if (row === undefined) throw new Error(`no conversation ${conversation}`)
        const encoded = await encodeOne(row, tokenizer)
        const labels = ids.map((id, at) => (spans.some(([from, to]) => at >= from && at < to) ? id : x))
        expect(encoded, conversation).toEqual({ ids, labels })
        compared++
      }
      expect(compared).toBeGreaterThanOrEqual(7)
    })
  },
)
