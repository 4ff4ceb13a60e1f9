import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { collate } from '../../lib/data/example.js'
import { prepareData, type PreparedFor } from '../../lib/data/prepare-data.js'
import type { EncodingOptions } from '../../lib/data/encoding-options.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { Model } from '../../lib/models/model.js'
import type { Task } from '../../lib/task.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { Trainer } from '../../lib/train/trainer.js'
import type { TrainOptions } from '../../lib/train/train-options.js'
import { allWeights } from '../tiny-model.js'
import { removeFolder } from '../tokenizer/byte-tokenizer.js'
import { writeLetterTokenizer } from '../tokenizer/letter-tokenizer.js'

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'attune-cache-'))
})
afterEach(() => rm(cache, { recursive: true, force: true }))

const oneStore = async (): Promise<string> => join(cache, (await readdir(cache))[0] ?? '')

describe('the rows of every task', () => {
  let letters: string
  let tokenizer: Tokenizer
  beforeAll(async () => {
    letters = await writeLetterTokenizer({ eos_token: '[SEP]', mask_token: '[MASK]' })
    tokenizer = await Tokenizer.load(letters)
  })
  afterAll(() => removeFolder(letters))

  const modelFor = (task: Task, labels: readonly string[] = []): PreparedFor => ({
    task,
    labels,
    problemType: task === 'sequence-classification' ? 'single_label_classification' : undefined,
    definition: { maxPositions: 64, vocabularySize: 1000 },
    tokenizer: () => Promise.resolve(tokenizer),
    batchSizes: ({ inputIds }) => {
      const tokens = inputIds.reduce((sum, ids) => sum + ids.length, 0)
      return { tokens, sequences: inputIds.length, rows: inputIds.length }
    },
  })
  const cases: [Task, DatasetRow[], EncodingOptions, string[]?][] = [
    ['causal-lm', [{ text: 'abc' }, { text: 'de' }], {}],
    ['causal-lm', [{ prompt: 'ab', completion: 'cd' }], { lossOn: 'completion' }],
    ['masked-lm', [{ text: 'abcdefgh' }, { text: 'ijkl' }], { seed: 3 }],
    ['sequence-classification', [{ text: 'ab', text_pair: 'c', label: 'x' }, { text: 'd', text_pair: 'e', label: 'y' }], {}, ['x', 'y']],
    ['token-classification', [{ tokens: ['ab', 'c'], tags: ['O', 'B'] }], {}, ['B', 'O']],
    ['sequence-classification', [{ text: 'abcdefgh', label: 'x' }], { maxLength: 5, truncation: 'window' }, ['x', 'y']],
    ['token-classification', [{ tokens: ['abcd', 'ef'], tags: ['O', 'B'] }], { maxLength: 5, truncation: 'window' }, ['B', 'O']],
    ['question-answering', [{ question: 'ab', context: 'cd ef', answers: { text: ['ef'], answer_start: [3] } }], {}],
    ['seq2seq-lm', [{ source: 'ab', target: 'cd' }], {}],
    ['embedding', [{ anchor: 'ab', positive: 'cd', negative: 'e' }, { anchor: 'f', positive: 'g' }], {}],
  ] // prettier-ignore

  test.each(cases)('%s: the same from the cache, written or found', async (task, rows, options, labels) => {
    const data = Dataset.from(rows)
    const model = modelFor(task, labels)
    const read = async (given: EncodingOptions) => {
      const { examples, atEpoch, sizes, ...rest } = await prepareData(data, model, { ...options, ...given }, 'data')
      const later = [...examples].map((_, index) => atEpoch?.(index, 2))
      return { examples: [...examples], sizes: [...examples].map((_, index) => sizes.at(index)), later, rest }
    }
    const plain = await read({})
    expect(await read({ cache: false })).toEqual(plain)
    expect(await read({ cache })).toEqual(plain)
    expect(await read({ cache })).toEqual(plain)
    expect(await readdir(cache)).toHaveLength(1)
    expect(collate(plain.examples, model.definition).inputIds.length).toBeGreaterThan(0)
  })

  test('other rows, options, tasks and tokenizers have stores of their own', async () => {
    const other = await writeLetterTokenizer({ model_max_length: 50 })
    const ask = (text: string, options: EncodingOptions = {}) =>
      prepareData(Dataset.from([{ text }]), modelFor('causal-lm'), { cache, ...options }, 'data')
    await ask('abc')
    await ask('abd')
    await ask('abc', { maxLength: 9 })
    await ask('abc', { tokenizer: await Tokenizer.load(other) })
    await prepareData(Dataset.from([{ text: 'abc' }]), modelFor('masked-lm'), { cache }, 'data')
    await ask('abc')
    expect(await readdir(cache)).toHaveLength(5)
    await removeFolder(other)
  })

  test('a damaged store is made anew, and that is told', async () => {
    const ask = () => prepareData(Dataset.from([{ text: 'abc' }]), modelFor('causal-lm'), { cache }, 'data')
    const before = await ask()
    const path = await oneStore()
    const good = await readFile(path)
    await writeFile(path, good.subarray(0, good.length - 1))
    const after = await ask()
    expect([...after.examples]).toEqual([...before.examples])
    expect(after.findings).toEqual([
      {
        code: 'token-cache-rebuilt',
        message: `the token store ${path} was made anew: it is not as long as it should be`,
        origins: [],
      },
    ])
    expect((await ask()).findings).toEqual([])
    expect(await readFile(path)).toEqual(good)
  })

  test('progress ends with all rows, and an abort leaves nothing behind', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => ({ source: 'ab', target: `c${'d'.repeat(at % 5)}` }))
    const seen: number[] = []
    const controller = new AbortController()
    const ask = (onEncoding: (rows: number) => void) =>
      prepareData(
        Dataset.from(rows),
        modelFor('seq2seq-lm'),
        {
          cache,
          signal: controller.signal,
          onEncoding: (done) => {
            expect(done.ofRows).toBe(300)
            onEncoding(done.rows)
          },
        },
        'data',
      )
    await ask((done) => seen.push(done))
    expect(seen.at(-1)).toBe(300)
    expect(seen.length).toBeGreaterThan(5)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    await rm(await oneStore())
    await expect(ask(() => controller.abort())).rejects.toMatchObject({ code: 'aborted' })
    expect(await readdir(cache)).toEqual([])
  })
})

describe('a run', () => {
  const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
  const rows = Dataset.from(
    Array.from({ length: 12 }, (_, at) => ({
      messages: [
        { role: 'user', content: `How many apples are ${at} and ${at}?` },
        { role: 'assistant', content: `They are ${2 * at} apples.` },
      ],
    })),
  )

  test('has the same bits with the cache and without', async () => {
    const run = async (options: Partial<TrainOptions>) => {
      await using model = await Model.load(directory, { threads: 1 })
      const losses: unknown[] = []
      const trainer = new Trainer(model, { train: rows, maxSteps: 2, batchSize: 4, seed: 5, ...options })
      for await (const event of trainer.run()) if (event.type === 'step') losses.push([event.loss, event.gradNorm])
      const hash = createHash('sha256')
      for (const [name, values] of await allWeights(model)) hash.update(name).update(values)
      return { losses, weights: hash.digest('hex') }
    }
    const plain = await run({})
    expect(plain.losses).toHaveLength(2)
    expect(await run({ cache })).toEqual(plain)
    expect(await run({ cache })).toEqual(plain)
  })

  test('of an evaluation measures the same', async () => {
    await using model = await Model.load(directory, { threads: 1 })
    const measured = async (given: { cache?: string }) => (await evaluate(model, rows, given)).metrics
    const plain = await measured({})
    expect(await measured({ cache })).toEqual(plain)
    expect(await measured({ cache })).toEqual(plain)
  })
})
