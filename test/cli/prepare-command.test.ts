import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runAttune } from './run-attune.js'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-prepare-'))
})
afterAll(() => rm(directory, { recursive: true }))

const attune = (...argv: string[]) => runAttune(['prepare', ...argv])

describe('attune prepare', () => {
  test('de-identifies, deduplicates and balances, and says what it did', async () => {
    const [data, names, output, report] = ['data.jsonl', 'names.txt', 'out.jsonl', 'report.json'].map((name) =>
      join(directory, name),
    ) as [string, string, string, string]
    const rows = [
      { text: 'Jane Roe wrote', label: 'a', id: 1 },
      { text: 'jane@x.org wrote', label: 'a', id: 2 },
      { text: 'JANE@X.org wrote', label: 'a', id: 3 },
      { text: 'call me', label: 'b', id: 4 },
    ]
    await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'))
    await writeFile(names, '# people\nJane Roe|Janie\n')
    const flags = [
      '--output',
      output,
      '--deidentify',
      names,
      '--deduplicate',
      '--balance',
      'oversample',
      '--report',
      report,
    ]
    const { code, out, err } = await attune(data, ...flags)
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(
      `4 rows read\nde-identified 3 rows: name 1, email 2\nleft out 1 duplicates and 0 near duplicates\nbalanced 3 rows to 4\n4 rows written to ${output}\n`,
    )
    const written = (await readFile(output, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(written).toEqual([
      { id: 1, text: '[NAME] wrote', label: 'a' },
      { id: 2, text: '[EMAIL] wrote', label: 'a' },
      { id: 4, text: 'call me', label: 'b' },
      { id: 4, text: 'call me', label: 'b' },
    ])
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
      rows: 4,
      written: 4,
      duplicates: { exact: [{ index: 2 }] },
    })
    expect((await readdir(directory)).filter((name) => name.includes('tmp'))).toEqual([])
  })

  test('never writes over what it reads', async () => {
    const data = join(directory, 'same.jsonl')
    await writeFile(data, '{"text":"a"}\n')
    const { code, err } = await attune(data, '--output', join(directory, '.', 'same.jsonl'))
    expect(code).toBe(2)
    expect(err).toContain('not written over')
    expect(await readFile(data, 'utf8')).toBe('{"text":"a"}\n')
  })

  test('needs an output, and gives JSON where asked', async () => {
    const data = join(directory, 'plain.jsonl')
    await writeFile(data, '{"sentence":"a"}\n')
    expect((await attune(data)).err).toContain('--output is missing')
    const { out } = await attune(
      data,
      '--output',
      join(directory, 'plain-out.jsonl'),
      '--fields',
      '{"text":"sentence"}',
      '--json',
    )
    expect(JSON.parse(out)).toMatchObject({ type: 'preparation', rows: 1, written: 1 })
  })
})
