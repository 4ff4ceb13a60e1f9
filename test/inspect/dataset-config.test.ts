/** A config of a dataset is inspected as its files are, and options win over it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatasetConfig } from '../../lib/data/dataset-config.js'
import { loadDatasetConfig, readDatasetConfig } from '../../lib/data/load-dataset-config.js'
import type { Finding } from '../../lib/inspect/finding.js'
import { inspectData, type InspectOptions } from '../../lib/inspect/inspect-data.js'
import type { InspectionReport } from '../../lib/inspect/inspection-report.js'
import { jsonLines, runAttune } from '../cli/run-attune.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-inspect-config-'))
  const line = (i: number): string => `the text of row ${i * 7919},${i % 3 === 0 ? 'a' : 'b'}`
  const lines = Array.from({ length: 60 }, (_, i) => line(i))
  await writeFile(join(folder, 'train.csv'), ['sentence,class', ...lines, 'too,many,cells', ',empty'].join('\n'))
  await writeFile(join(folder, 'test.csv'), ['sentence,class', line(61), 'short', line(62)].join('\n'))
  await writeFile(join(folder, 'chats.jsonl'), '{"prompt": "a", "completion": "b"}\n{"prompt": 1, "completion": "b"}')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function written(name: string, config: object): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(config))
  return path
}

const inspected = (config: Omit<DatasetConfig, 'folder'>, options?: InspectOptions): Promise<InspectionReport> =>
  inspectData({ folder, ...config }, options)

function places(report: InspectionReport, code: Finding['code']): string[] {
  const found = report.findings.filter((one) => one.code === code)
  return found.flatMap(({ where }) => where.map(({ origin }) => origin.slice(folder.length + 1)))
}

const fields = { text: 'sentence', label: 'class' }

describe('a config', () => {
  it.each([
    ['files for each part', { data: 'train.csv', test: 'test.csv', fields }, { rows: 60, testRows: 2 }],
    [
      'parts that are drawn',
      { data: 'train.csv', validation: 0.1, test: 'test.csv', fields, stratify: 'label' },
      { rows: 54, validationRows: 6, testRows: 2 },
    ],
    [
      'all parts drawn of parts with options of their own',
      {
        data: [
          { data: 'train.csv', fields },
          { data: 'test.csv', fields },
        ],
        validation: 10,
        test: 5,
      },
      { rows: 47, validationRows: 10, testRows: 5 },
    ],
  ])('lists all that is wrong, with file and line: %s', async (_, config, counts) => {
    const report = await inspected(config)
    expect(report).toMatchObject({ ...counts, unreadable: 3, trainable: false })
    expect(places(report, 'invalid-dataset')).toEqual(['train.csv:62', 'train.csv:63', 'test.csv:3'])
    expect(report.files.map(({ path, rows, unreadable }) => [path.slice(folder.length + 1), rows, unreadable])).toEqual(
      [
        ['train.csv', 60, 2],
        ['test.csv', 2, 1],
      ],
    )
  })

  it('lists rows of another shape than those before', async () => {
    const report = await inspected({ data: [{ data: 'train.csv', fields }, 'chats.jsonl'] })
    expect(report.rows).toBe(60)
    expect(places(report, 'invalid-dataset')).toEqual([
      'train.csv:62',
      'train.csv:63',
      'chats.jsonl:2',
      'chats.jsonl:1',
    ])
    expect(JSON.stringify(report.findings)).toContain(
      "rows of shape 'prompt-completion' cannot follow rows of shape 'text-label'",
    )
  })

  it('leaves rows out as training would, and says which', async () => {
    const report = await inspected({ data: 'train.csv', test: 'test.csv', fields, onBadRow: 'skip' })
    expect(report).toMatchObject({ rows: 60, testRows: 2, unreadable: 3, trainable: true })
    expect(report.findings.find(({ code }) => code === 'invalid-dataset')).toMatchObject({
      severity: 'warning',
      count: 3,
      message: '3 rows cannot be used as they are: training leaves them out.',
    })
    const loaded = await loadDatasetConfig({ folder, data: 'train.csv', test: 'test.csv', fields, onBadRow: 'skip' })
    expect(loaded.skipped.map(({ origin }) => origin.slice(folder.length + 1))).toEqual(
      places(report, 'invalid-dataset'),
    )
  })

  it('gives way to options, those of its parts too', async () => {
    const config: DatasetConfig = {
      folder,
      data: { data: 'train.csv', fields: { text: 'class', label: 'sentence' } },
      validation: 6,
      onBadRow: 'error',
      stratify: 'label',
    }
    const own = await inspectData(config, { fields, onBadRow: 'skip' })
    expect(own.labels.map(({ label }) => label)).toEqual(['b', 'a'])
    expect([own.trainable, own.validationRows]).toEqual([true, 6])
    const overrides = { fields, onBadRow: 'skip', splitSeed: 3 } as const
    const loaded = await loadDatasetConfig(config, { overrides })
    expect(loaded.train.rows[0]).toMatchObject({ label: expect.stringMatching(/^[ab]$/) as string })
    const another = await loadDatasetConfig(config, { overrides: { ...overrides, splitSeed: 4 } })
    expect(another.validation.origins).not.toEqual(loaded.validation.origins)
    await expect(loadDatasetConfig(config, { overrides: { ...overrides, stratify: 'absent' } })).rejects.toMatchObject({
      code: 'invalid-option',
    })
  })

  it('is read from a file with its folder, absolute or not', async () => {
    const path = await written('read.json', { folder: '.', data: 'train.csv' })
    expect(await readDatasetConfig(path)).toEqual({ folder, data: 'train.csv' })
    expect(await readDatasetConfig(await written('absolute.json', { folder, data: 'a' }))).toEqual({
      folder,
      data: 'a',
    })
    const wrong = readDatasetConfig(await written('wrong.json', { data: 'a', feilds: {} }))
    await expect(wrong).rejects.toThrow('feilds is no option. Did you mean "fields"?')
    await expect(inspectData({ folder, data: 'absent.csv' })).rejects.toMatchObject({ code: 'file-not-found' })
  })
})

describe('on the command line', () => {
  it('flags win over the config, and a bad row does not hide the others', async () => {
    const config = await written('cli.json', { data: 'train.csv', test: 'test.csv', fields: { label: 'sentence' } })
    const flags = ['--data-config', config, '--fields', JSON.stringify(fields)]
    const refused = await runAttune(['inspect', ...flags, '--json'])
    expect([refused.code, refused.err]).toEqual([3, ''])
    expect(jsonLines(refused.out)).toMatchObject([{ rows: 60, testRows: 2, unreadable: 3, shape: 'text-label' }])
    const skipped = await runAttune(['inspect', ...flags, '--on-bad-row', 'skip'])
    expect(skipped.code).toBe(0)
    expect(skipped.out).toMatch(/^rows +60, 2 to test on, 3 that cannot be read$/m)
    expect((await runAttune(['inspect', ...flags, '--validation', '0.1'])).code).toBe(2)
    expect((await runAttune(['inspect', ...flags, '--shape', 'texts'])).code).toBe(2)
  })

  it('plain files take the same flags', async () => {
    const train = join(folder, 'train.csv')
    const flags = ['--columns', 'text,label', '--on-bad-row', 'skip', '--validation', '0.1', '--stratify', 'label']
    const { code, out } = await runAttune(['inspect', train, ...flags, '--json'])
    expect(code).toBe(0)
    expect(jsonLines(out)).toMatchObject([{ rows: 55, validationRows: 6, unreadable: 2 }])
  })

  it('training and evaluating take them too, and tell what is left out', async () => {
    const config = await written('train.json', { data: 'train.csv', fields: { label: 'sentence' }, validation: 0.1 })
    const reading = ['--data-config', config, '--fields', JSON.stringify(fields)]
    const model = ['--model', 'examples/models/attune-base', '--task', 'sequence-classification']
    const refused = await runAttune(['plan', ...model, ...reading])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('train.csv:62') as string])
    const planned = await runAttune([
      'plan',
      ...model,
      ...reading,
      '--on-bad-row',
      'skip',
      '--split-seed',
      '2',
      '--json',
    ])
    expect(planned.err).toContain('2 rows that cannot be used are left out:\n')
    expect(planned.code).toBe(0)
    const test = await written('test.json', { data: 'train.csv', test: 'test.csv', fields: { label: 'sentence' } })
    const measured = await runAttune([
      ...['evaluate', ...model, '--labels', 'a,b', '--data-config', test, '--fields', JSON.stringify(fields)],
      ...['--on-bad-row', 'skip', '--json'],
    ])
    expect(measured.err).toContain(`data: the 2 rows of ${test} under test\n`)
    expect(measured.code).toBe(0)
  })
})
