/** Real bad files: everything that is wrong is told, with line and reason, and nothing is thrown. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import type { Finding } from '../../lib/inspect/finding.js'
import { inspectData, type InspectOptions } from '../../lib/inspect/inspect-data.js'
import type { InspectionReport } from '../../lib/inspect/inspection-report.js'
import { removeFolder, writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'

const chatml =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

let directory: string
let tokenizer: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-inspect-'))
  tokenizer = await writeByteTokenizer({ chatTemplate: chatml })
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await removeFolder(tokenizer)
})

async function file(name: string, content: string | Buffer | readonly unknown[]): Promise<string> {
  const path = join(directory, name)
  const text = Array.isArray(content) ? content.map((row) => JSON.stringify(row)).join('\n') : (content as string)
  await writeFile(path, text)
  return path
}

function finding(report: InspectionReport, code: Finding['code']): Finding {
  const found = report.findings.find((one) => one.code === code)
  if (found === undefined) throw new Error(`no ${code} in ${report.findings.map((one) => one.code).join(', ')}`)
  return found
}

const codes = (report: InspectionReport): string[] => report.findings.map(({ code }) => code)

/** Enough different rows that their number is no finding. */
const many = Array.from({ length: 60 }, (_, i) => ({
  text: `the number of this row is ${i * 7919}`,
  label: i % 2 === 0 ? 'even' : 'odd',
}))

describe('lines that cannot be read', () => {
  it('are all told, with number and reason', async () => {
    const lines = [
      '{"text": "good", "label": "a"}',
      '{"text": "broken", "label": ',
      '{"txt": "other fields", "label": "a"}',
      '[1, 2]',
      '{"text": 5, "label": "a"}',
      '{"text": "", "label": "a"}',
      'no json',
    ]
    const path = join(directory, 'bad.jsonl')
    await writeFile(path, Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0x22, 0xe9, 0x22, 0x0a])]))
    const report = await inspectData(path)
    expect(report).toMatchObject({ rows: 1, unreadable: 7, trainable: false })
    expect(report.verdict).toMatch(/^These data cannot be trained on as they are: 2 errors to mend first/)
    const json = finding(report, 'invalid-json')
    expect([json.severity, json.count]).toEqual(['error', 2])
    expect(json.where.map(({ origin }) => origin)).toEqual([`${path}:2`, `${path}:7`])
    expect(json.where[0]?.what).toContain('not valid JSON')
    const rows = finding(report, 'invalid-dataset')
    expect(rows.where.map(({ origin, what }) => `${origin.slice(path.length)} ${what}`)).toEqual([
      expect.stringMatching(/^:3 received fields txt, label; expected text/),
      expect.stringMatching(/^:4 expected an object .* received a list/),
      expect.stringMatching(/^:5 text: expected string, received a number/),
      ':6 text is empty',
      expect.stringMatching(/^:8 the line is not valid UTF-8/),
    ])
  })

  it('at the beginning do not hide what the others are', async () => {
    const path = await file('late.jsonl', ['{', '[]', ...many.slice(0, 2).map((row) => JSON.stringify(row))].join('\n'))
    const report = await inspectData(path, { show: 1 })
    expect(report).toMatchObject({ rows: 2, unreadable: 2, shape: 'text-label', task: 'sequence-classification' })
    const none = await inspectData(await file('none.jsonl', '{\n[]'))
    expect(none).toMatchObject({ rows: 0, shape: undefined, trainable: false, lengths: undefined })
  })

  it('keeps the first ten places of many and counts them all', async () => {
    const path = await file('many-bad.jsonl', ['{"text": "x"}', ...Array.from({ length: 500 }, () => '{')].join('\n'))
    const { count, where } = finding(await inspectData(path), 'invalid-json')
    expect([count, where.length, where[9]?.origin]).toEqual([500, 10, `${path}:11`])
  })

  it('says once what is wrong with many, with the first of them and their number', async () => {
    const rows = Array.from({ length: 500 }, (_, i) =>
      i % 100 === 7 ? '{"text": 5, "label": "a"}' : '{"text": "", "label": "a"}',
    )
    const path = await file('one-reason.jsonl', ['{"text": "x", "label": "a"}', ...rows].join('\n'))
    const { count, reasons = [] } = finding(await inspectData(path), 'invalid-dataset')
    expect(count).toBe(500)
    expect(reasons.map(({ what, count: times }) => [what, times])).toEqual([
      ['text is empty', 495],
      ['text: expected string, received a number', 5],
    ])
    expect(reasons.map(({ origins }) => origins.length)).toEqual([10, 5])
    expect(reasons[1]?.origins[1]).toBe(`${path}:109`)
    // A reason of many is not kept out by many reasons of one.
    const own = Array.from({ length: 90 }, (_, i) => `{"field${i}": 1}`)
    const late = await file('late-reason.jsonl', ['{"text": "x", "label": "a"}', ...own, ...rows].join('\n'))
    expect(finding(await inspectData(late), 'invalid-dataset').reasons?.[0]).toMatchObject({ count: 495 })
    const apart = await file('apart.jsonl', ['{"text": "x", "label": "a"}', ...own].join('\n'))
    expect(finding(await inspectData(apart), 'invalid-dataset')).not.toHaveProperty('reasons')
  })

  it.each([
    [
      'a gzip file cut short',
      'cut.jsonl.gz',
      gzipSync(Buffer.from('{"text": "abc"}\n'.repeat(5000))).subarray(0, 60),
      'invalid-file',
    ],
    ['an empty file', 'empty.jsonl', Buffer.from(''), 'empty-dataset'],
    ['a file of blank lines', 'blank.jsonl', Buffer.from('\n\n\n'), 'empty-dataset'],
    ['a JSON list that does not end', 'list.json', Buffer.from('[{"text": "a"}, {"text": '), 'invalid-json'],
  ] as const)('%s is a finding, and the other files are read all the same', async (_, name, bytes, code) => {
    const broken = join(directory, name)
    await writeFile(broken, bytes)
    const good = await file('good.jsonl', [{ text: 'a good row' }])
    const report = await inspectData([broken, good])
    expect(finding(report, code)).toMatchObject({
      severity: 'error',
      where: [{ origin: expect.stringContaining(name) as string }],
    })
    expect(report.files.find(({ path }) => path === good)).toEqual({ path: good, rows: 1, unreadable: 0 })
  })

  it('a file that is not there is a mistake of the caller', async () => {
    await expect(inspectData(join(directory, 'absent.jsonl'))).rejects.toMatchObject({ code: 'file-not-found' })
  })

  it('reads a byte order mark, CRLF and a last line without an end', async () => {
    const path = await file('windows.jsonl', '\uFEFF{"text": "a"}\r\n{"text": "b"}\r\n{"text": "c"}')
    const report = await inspectData(path)
    expect([report.rows, report.trainable]).toEqual([3, true])
  })

  it('names columns that one file lacks, and fields that are not read', async () => {
    const one = await file(
      'one.jsonl',
      many.map((row, id) => ({ ...row, id })),
    )
    const two = await file(
      'two.jsonl',
      many.map(({ text, label }, date) => ({ text: `${text}!`, label, date })),
    )
    const report = await inspectData([one, two])
    expect(finding(report, 'inconsistent-fields').where).toEqual([
      { origin: one, what: 'has no field date' },
      { origin: two, what: 'has no field id' },
    ])
    expect(report.ignoredFields).toEqual([
      { name: 'id', rows: 60 },
      { name: 'date', rows: 60 },
    ])
    expect(finding(report, 'ignored-fields').severity).toBe('note')
  })
})

describe('good rows', () => {
  it('have no findings', async () => {
    const report = await inspectData(Dataset.from(many))
    expect(report.findings).toEqual([])
    expect(report.verdict).toBe('These data can be trained on.')
    expect(report).toMatchObject({ shape: 'text-label', task: 'sequence-classification', unit: 'characters', rows: 60 })
  })

  it('may be any iterable of a program', async () => {
    async function* rows(): AsyncGenerator<object> {
      for (const row of many) yield Promise.resolve(row)
    }
    const report = await inspectData(rows())
    expect(report.labels).toEqual([
      { label: 'even', rows: 30, validationRows: undefined },
      { label: 'odd', rows: 30, validationRows: undefined },
    ])
  })
})

describe('rows that stand twice', () => {
  it('are counted, and where each stood first', async () => {
    const path = await file('twice.jsonl', [...many, many[3], many[3]])
    const { count, where, severity } = finding(await inspectData(path), 'duplicate-rows')
    expect([count, severity]).toEqual([2, 'warning'])
    expect(where[0]).toEqual({ origin: `${path}:61`, what: `is ${path}:4` })
  })

  it('with another label contradict each other; with another answer they need not', async () => {
    const labelled = await inspectData(Dataset.from([...many, { text: many[0]!.text, label: 'odd' }]))
    expect(finding(labelled, 'conflicting-labels').where).toEqual([{ origin: 'row 60', what: 'asks what row 0 asks' }])
    const prompts = many.map(({ text }) => ({ prompt: text, completion: 'yes' }))
    const answered = await inspectData(Dataset.from([...prompts, { prompt: many[0]!.text, completion: 'no' }]))
    expect(finding(answered, 'several-answers').severity).toBe('note')
  })

  it('in training and validation leak', async () => {
    const validation = [{ ...many[5]! }, { text: many[6]!.text, label: 'odd' }, { text: 'another', label: 'odd' }]
    const report = await inspectData(Dataset.from(many), { validation: Dataset.from(validation) })
    expect(report.validationRows).toBe(3)
    expect(finding(report, 'leakage')).toMatchObject({
      count: 2,
      severity: 'warning',
      where: [{ origin: 'row 0', what: 'is row 5' }, { origin: 'row 1' }],
    })
  })

  it('leak where a share of the rows is taken, which are those that training takes', async () => {
    const doubled = Dataset.from([...many, ...many])
    const { train, validation } = doubled.split({ validation: 0.2, seed: 3 })
    const known = new Set(train.rows.map((row) => JSON.stringify(row)))
    const leaked = validation.rows.filter((row) => known.has(JSON.stringify(row))).length
    const report = await inspectData(doubled, { validation: 0.2, seed: 3 })
    expect(report).toMatchObject({ rows: train.length, validationRows: validation.length })
    expect(finding(report, 'leakage').count).toBe(leaked)
  })
})

describe('labels', () => {
  const inspected = (rows: readonly object[], options: InspectOptions = {}): Promise<InspectionReport> =>
    inspectData(rows, options)

  it('that are rare, absent from validation, or all the same', async () => {
    const rare = many.map((row, i) => ({ ...row, label: i < 3 ? 'rare' : row.label }))
    const report = await inspected(rare, {
      validation: many.slice(0, 10).map(({ label }, i) => ({ text: `new ${i}`, label })),
    })
    expect(finding(report, 'class-with-few-rows').message).toContain("label 'rare' has only 3 training rows")
    expect(finding(report, 'class-absent-from-validation').message).toContain("no validation row has label 'rare'")
    const imbalanced = many.map((row, i) => ({ ...row, label: i < 5 ? 'rare' : 'usual' }))
    expect(finding(await inspected(imbalanced), 'imbalanced-classes').message).toContain(
      "label 'rare' has 5 of 60 rows",
    )
    expect(codes(await inspected(many.map((row) => ({ ...row, label: 'one' }))))).toEqual(['single-class'])
  })

  it('that training would refuse', async () => {
    const mixed = await inspected([...many, { text: 'a number', label: 3 }])
    expect(finding(mixed, 'mixed-label-types')).toMatchObject({
      severity: 'error',
      count: 1,
      where: [{ origin: 'row 60' }],
    })
    const unknown = await inspected(many, { labels: ['even', 'add'] })
    expect(finding(unknown, 'unknown-label')).toMatchObject({ severity: 'error', count: 30 })
    expect(finding(unknown, 'unknown-label').where[0]?.what).toContain('Did you mean "add"')
    expect(finding(unknown, 'unknown-label').reasons).toMatchObject([{ count: 30 }])
  })

  it('that only validation rows have are a finding with their place, and all are counted', async () => {
    const counts = (report: InspectionReport): unknown[] =>
      report.labels.map(({ label, rows, validationRows }) => [label, rows, validationRows])
    const held = [
      { text: 'new', label: 'neither' },
      { text: 'newer', label: 'odd' },
    ]
    const single = await inspected(many, { validation: held })
    expect(finding(single, 'class-absent-from-training')).toMatchObject({
      severity: 'warning',
      message: "no training row has label 'neither'.",
      where: [{ origin: 'row 0' }],
    })
    expect(single.trainable).toBe(true)
    expect(counts(single)).toEqual([
      ['even', 30, 0],
      ['odd', 30, 1],
      ['neither', 0, 1],
    ])
    const lists = many.map(({ text }, i) => ({ text, labels: i % 3 === 0 ? ['a', 'b'] : ['b'] }))
    const validation = [
      { text: 'one', labels: ['b', 'c'] },
      { text: 'two', labels: ['c', 'a'] },
    ]
    const several = await inspected(lists, { validation })
    expect(finding(several, 'class-absent-from-training').where).toEqual([{ origin: 'row 0' }, { origin: 'row 1' }])
    const all = [
      ['b', 60, 1],
      ['a', 20, 1],
      ['c', 0, 2],
    ]
    expect([several.trainable, counts(several)]).toEqual([true, all])
    // A model that was trained before has no such label, and refuses the rows; they are counted all the same.
    const refused = await inspected(lists, { validation, labels: ['a', 'b'] })
    expect(finding(refused, 'unknown-label')).toMatchObject({ severity: 'error', count: 2 })
    expect(counts(refused)).toEqual(all)
    const tagged = (tag: string) => (_: unknown, i: number) => ({ tokens: ['w', `${i}`], tags: ['O', tag] })
    const tags = await inspected(Array.from({ length: 60 }, tagged('X')), { validation: [0, 1].map(tagged('Y')) })
    expect(finding(tags, 'class-absent-from-training').where).toEqual([{ origin: 'row 0' }, { origin: 'row 1' }])
    expect(counts(tags)).toEqual([
      ['O', 60, 2],
      ['X', 60, 0],
      ['Y', 0, 2],
    ])
  })

  it('of several a row are counted by name, lists of 0 and 1 too', async () => {
    const several = await inspected(many.map(({ text }, i) => ({ text, labels: i % 3 === 0 ? ['a', 'b'] : ['b'] })))
    expect(several.labels.map(({ label, rows }) => [label, rows])).toEqual([
      ['b', 60],
      ['a', 20],
    ])
    const vectors = await inspected(many.map(({ text }, i) => ({ text, labels: [1, i % 2, 0] })))
    expect(vectors.labels.map(({ label, rows }) => [label, rows])).toEqual([
      ['0', 60],
      ['1', 30],
      ['2', 0],
    ])
  })
})

describe('tokens', () => {
  const chats = Array.from({ length: 60 }, (_, i) => ({
    messages: [
      { role: 'user', content: `question ${i}` },
      { role: 'assistant', content: 'yes'.repeat(1 + (i % 5)) },
    ],
  }))

  it('are those that training counts, what carries loss beside them', async () => {
    const report = await inspectData(chats, { tokenizer })
    // <|im_start|>user\n question n <|im_end|>\n<|im_start|>assistant\n … <|im_end|>\n, a token for each byte and mark
    const lengths = chats.map(
      ({ messages: [user, assistant] }) => 6 + user!.content.length + 2 + 11 + assistant!.content.length + 2,
    )
    const trained = chats.map(({ messages }) => messages[1]!.content.length + 2)
    const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)
    expect(report.lengths).toMatchObject({
      count: 60,
      total: sum(lengths),
      max: Math.max(...lengths),
      min: Math.min(...lengths),
    })
    expect(report.trained).toBe(sum(trained))
    expect(report.longest[0]?.length).toBe(Math.max(...lengths))
    expect(report.hosted).toEqual({
      epochs: 3,
      batchSize: 1,
      learningRateMultiplier: 0.05,
      billedTokens: 3 * sum(lengths),
    })
    const capped = await inspectData(chats, { tokenizer, maxLength: 20, truncation: 'head' })
    expect(capped.hosted?.billedTokens).toBe(3 * 20 * 60)
  })

  it('beyond the longest length are an error, or cut off and counted', async () => {
    const rows = many.map(({ text }, i) => ({
      prompt: i === 7 ? 'x'.repeat(100) : text,
      completion: i === 8 ? 'y'.repeat(60) : 'y',
    }))
    const refused = await inspectData(rows, { tokenizer, maxLength: 50 })
    expect(finding(refused, 'sequence-too-long')).toMatchObject({
      severity: 'error',
      count: 2,
      where: [{ origin: 'row 7', what: '102 tokens' }, { origin: 'row 8' }],
    })
    const cut = await inspectData(rows, { tokenizer, maxLength: 50, truncation: 'tail' })
    const eighth = rows[8]!.prompt.length + 61
    expect(cut.truncation).toEqual({ maxLength: 50, truncation: 'tail', rows: 2, tokens: 52 + eighth - 50 })
    // The first row loses its completion, all that carries loss.
    expect(finding(cut, 'all-labels-masked')).toMatchObject({
      severity: 'error',
      count: 1,
      where: [{ origin: 'row 7' }],
    })
    const skipped = await inspectData(rows, { tokenizer, maxLength: 50, truncation: 'skip' })
    expect(finding(skipped, 'skipped-rows')).toMatchObject({ severity: 'warning', count: 2 })
  })

  it('without loss anywhere in a row are an error, row by row', async () => {
    const texts = [...many.map(({ text }) => ({ text })), { text: '' }, { text: '' }]
    const report = await inspectData(texts, { tokenizer })
    const { where, ...rest } = finding(report, 'all-labels-masked')
    expect(rest).toMatchObject({ severity: 'error', count: 2 })
    expect(where.map(({ origin }) => origin)).toEqual(['row 60', 'row 61'])
    expect(report.lengths?.count).toBe(60)
    expect(finding(report, 'empty-texts').count).toBe(2)
  })

  it('of a conversation that the chat template refuses are an error of that row', async () => {
    const strict =
      "{% for m in messages %}{% if 'forbidden' in m.content %}{{ raise_exception('not that') }}{% endif %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    const folder = await writeByteTokenizer({ chatTemplate: strict })
    const [first] = chats
    const odd = { messages: [{ role: 'user', content: 'the forbidden word' }, first!.messages[1]] }
    const report = await inspectData([...chats, odd], { tokenizer: folder })
    expect(finding(report, 'chat-template-failed')).toMatchObject({
      severity: 'error',
      count: 1,
      where: [{ origin: 'row 60' }],
    })
    expect(report.lengths?.count).toBe(60)
    await removeFolder(folder)
  })

  it('of examples are shown, with what is trained', async () => {
    const { examples } = await inspectData(chats, { tokenizer, show: 2 })
    expect(examples.map(({ origin }) => origin)).toEqual(['row 0', 'row 1'])
    for (const [i, { pieces }] of examples.entries()) {
      expect(pieces.map(({ text }) => text).join('')).toBe(
        `<|im_start|>user
question ${i}<|im_end|>
<|im_start|>assistant
${'yes'.repeat(i + 1)}<|im_end|>
`,
      )
      const trained = pieces.filter((piece) => piece.trained).map(({ text }) => text)
      expect(trained.join('')).toBe(`${'yes'.repeat(i + 1)}<|im_end|>
`)
    }
  })
})
