import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Terminal } from '../../lib/cli/terminal.js'
import { writeLetterModel } from '../predict/letter-model.js'
import { jsonLines, runAttune } from './run-attune.js'

let directory: string
const models: Record<'classifier' | 'several' | 'tagger' | 'asker' | 'embedder', string> = {
  classifier: '',
  several: '',
  tagger: '',
  asker: '',
  embedder: '',
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-cli-predict-'))
  const labels = ['bad', 'good']
  models.classifier = await writeLetterModel({ task: 'sequence-classification', labels })
  models.several = await writeLetterModel({
    task: 'sequence-classification',
    labels,
    problemType: 'multi_label_classification',
  })
  models.tagger = await writeLetterModel({ task: 'token-classification', labels: ['O', 'B-X', 'I-X'] })
  models.asker = await writeLetterModel({ task: 'question-answering' })
  models.embedder = await writeLetterModel({ task: 'embedding' })
})
afterAll(() => Promise.all([directory, ...Object.values(models)].map((path) => rm(path, { recursive: true }))))

const stdin = (text: string): Partial<Terminal> => ({ input: Readable.from([Buffer.from(text)]) })

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

describe('attune classify', () => {
  test('reads arguments, lines of standard input, JSON Lines, CSV and TSV, and gives the same for the same text', async () => {
    const command = ['classify', '--model', models.classifier]
    const { code, out, err } = await runAttune([...command, 'abc', 'de f'])
    expect([code, err]).toEqual([0, ''])
    const [first, second] = jsonLines(out)
    expect(first).toMatchObject({ origin: 'argument 1', text: 'abc', score: expect.any(Number) as number })
    expect(['bad', 'good']).toContain(first!.label)
    const answer = ({ label, score }: Record<string, unknown>) => [label, score]
    const others = [
      await runAttune(command, stdin('abc\r\n\nde f\n')),
      await runAttune(command, stdin('{"text":"abc","id":7}\n{"text":"de f"}')),
      await runAttune([...command, '--data', await file('rows.jsonl', '{"text":"abc"}\n{"text":"de f"}\n')]),
      await runAttune([...command, '--data', await file('rows.csv', 'id,text\n1,"abc"\n2,"de f"\n')]),
      await runAttune([...command, '--data', await file('rows.tsv', 'text\tnote\nabc\tx\nde f\ty\n')]),
      await runAttune([...command, '--data', await file('rows.txt', 'abc\nde f\n')]),
    ]
    for (const other of others) {
      expect(other.code).toBe(0)
      const lines = jsonLines(other.out)
      expect(lines.map(({ text }) => text)).toEqual(['abc', 'de f'])
      expect(lines.map(answer)).toEqual([first, second].map((line) => answer(line!)))
    }
    expect(jsonLines(others[0]!.out).map(({ origin }) => origin)).toEqual(['stdin:1', 'stdin:3'])
    expect(jsonLines(others[1]!.out)[0]).toMatchObject({ id: 7, origin: 'stdin:1' })
    expect(jsonLines(others[3]!.out)[1]).toMatchObject({ id: '2', origin: 'rows.csv:3' })
  })

  test('takes pairs, thresholds and how many labels to list', async () => {
    const data = await file('pairs.jsonl', '{"text":"ab","text_pair":"cd"}')
    const { out } = await runAttune([
      'classify',
      '--model',
      models.several,
      '--data',
      data,
      '--threshold',
      '0',
      '--top-k',
      'all',
    ])
    const [line] = jsonLines(out)
    expect(line).toMatchObject({ text: 'ab', text_pair: 'cd' })
    expect(line!.labels).toEqual(line!.scores)
    expect(line!.scores).toHaveLength(2)
  })

  test('says which line is wrong, goes on with the others, and ends with 1', async () => {
    const data = await file('bad.jsonl', '{"text":"abc"}\n{"text":\n{"text":""}\n{"body":"x"}\n[1]\n{"text":"de"}\n')
    const output = join(directory, 'out.jsonl')
    const { code, out, err } = await runAttune([
      'classify',
      '--model',
      models.classifier,
      '--data',
      data,
      '--output',
      output,
    ])
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toMatch(/bad\.jsonl:2: not valid JSON/)
    expect(err).toMatch(/bad\.jsonl:3: the text is empty/)
    expect(err).toMatch(/bad\.jsonl:4: expected a text in the field 'text'; the fields are body/)
    expect(err).toMatch(/bad\.jsonl:5: expected a JSON object/)
    expect(err).toMatch(/4 of 6 rows could not be read/)
    const lines = jsonLines(await readFile(output, 'utf8'))
    expect(lines.map((line) => ('error' in line ? (line.error as { code: string }).code : 'label' in line))).toEqual([
      true,
      'invalid-json',
      'invalid-input',
      'invalid-input',
      'invalid-input',
      true,
    ])
  })

  test('shows bars on a screen, and JSON where that is asked for', async () => {
    const command = ['classify', '--model', models.classifier, 'abc', '--top-k', 'all']
    const screen = await runAttune(command, { outIsScreen: true })
    expect(screen.out).toMatch(/^abc\n {2}(bad |good) {2}[█░]{20} {2}\d+\.\d%\n/)
    expect(jsonLines((await runAttune([...command, '--json'], { outIsScreen: true })).out)).toHaveLength(1)
  })

  test.each([
    ['no rows', [], '', 1, /there are no rows/],
    ['a file that is not there', ['--data', '/nowhere/rows.jsonl'], '', 1, /does not exist/],
    ['an unknown flag', ['--thresh', '1'], '', 2, /unknown option/],
    ['a wrong value', ['abc', '--threshold', '2'], '', 2, /options\.threshold/],
  ])('refuses %s', async (_, more, input, code, message) => {
    const result = await runAttune(['classify', '--model', models.classifier, ...more], stdin(input))
    expect(result.code).toBe(code)
    expect(result.err).toMatch(message)
  })

  test('refuses a model of another task, and a person who gives nothing', async () => {
    const other = await runAttune(['classify', '--model', models.tagger, 'abc'])
    expect(other.code).toBe(1)
    expect(other.err).toMatch(/loaded for token-classification; tag is what it can do/)
    const nothing = await runAttune(['classify', '--model', models.classifier], {
      input: Object.assign(Readable.from([]), { isTTY: true }),
    })
    expect(nothing.code).toBe(2)
    expect(nothing.err).toMatch(/expected texts as arguments, --data, or standard input/)
  })
})

test('attune tag marks entities, and takes words', async () => {
  const command = ['tag', '--model', models.tagger, '--ignore-labels', '[]']
  const { out } = await runAttune([...command, 'ab cd'], { outIsScreen: true })
  expect(out.replaceAll(/\[|\]| (O|X)(?=\])/g, '').trim()).toBe('ab cd')
  expect(out).toMatch(/\[.* (O|X)\]/)
  expect((await runAttune([...command, 'ab cd'], { outIsScreen: true, colors: true })).out).toContain('\u001b[36m[')
  const [words] = jsonLines((await runAttune(command, stdin('{"tokens":["ab","cd"]}'))).out)
  expect(words).toMatchObject({ text: 'ab cd' })
  expect(words!.tags).toHaveLength(2)
})

test('attune answer takes a question and its context, or lines of them', async () => {
  const command = ['answer', '--model', models.asker, '--n-best', '2']
  const { out } = await runAttune([...command, 'who?', 'it is i, then.'])
  const [line] = jsonLines(out)
  expect(line).toMatchObject({ question: 'who?', answer: { text: expect.any(String) as string } })
  expect(line!.answers).toHaveLength(2)
  const piped = await runAttune(command, stdin('{"question":"who?","context":"it is i, then."}\n'))
  expect(jsonLines(piped.out)[0]!.answer).toEqual(line!.answer)
  const screen = await runAttune([...command, 'who?', 'it is i, then.'], { outIsScreen: true })
  expect(screen.out).toContain(`»${(line!.answer as { text: string }).text}«`)
  expect((await runAttune([...command, 'who?'])).code).toBe(2)
})

test('attune embed gives a vector a line', async () => {
  const { out } = await runAttune(['embed', '--model', models.embedder, 'abc', 'd'])
  const lines = jsonLines(out)
  expect(lines.map(({ embedding }) => (embedding as number[]).length)).toEqual([12, 12])
  const screen = await runAttune(['embed', '--model', models.embedder, 'abc'], { outIsScreen: true })
  expect(screen.out).toMatch(/^abc\n {2}12 numbers: -?\d\.\d{4} /)
})
