import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { inspectData } from '../../lib/inspect/inspect-data.js'
import { loadDataset } from '../../lib/data/load-dataset.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-delimited-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describe('CSV and TSV', () => {
  test('quotes, lines within cells, a byte order mark, blank lines; origins are line numbers', async () => {
    const path = await file('a.csv', '\uFEFFtext,category\r\n"a, ""b""\nc",x\r\n\r\n"d ""e"" f",y\r\n')
    const dataset = await loadDataset(path, { fields: { label: 'category' } })
    expect(dataset.rows).toEqual([
      { text: 'a, "b"\nc', label: 'x' },
      { text: 'd "e" f', label: 'y' },
    ])
    expect(dataset.origins).toEqual([`${path}:2`, `${path}:5`])
  })

  test('a column of labels is numbers where all are, names otherwise', async () => {
    const numbers = await loadDataset(await file('n.tsv', 'text\tlabel\na\t0\n7\t1.5\n'))
    expect(numbers.rows).toEqual([
      { text: 'a', label: 0 },
      { text: '7', label: 1.5 },
    ])
    const names = await loadDataset(await file('m.tsv', 'text\tlabel\na\t404\nb\ttimeout\n'))
    expect(names.rows).toEqual([
      { text: 'a', label: '404' },
      { text: 'b', label: 'timeout' },
    ])
  })

  test('no header, quotes as plain text, another extension', async () => {
    const path = await file('sms', 'ham\t"Hello\nspam\tWin "now"\n')
    const options = { format: 'tsv', columns: ['label', 'text'] } as const
    expect((await loadDataset(path, { ...options, quoted: false })).rows).toEqual([
      { text: '"Hello', label: 'ham' },
      { text: 'Win "now"', label: 'spam' },
    ])
    await expect(loadDataset(path, options)).rejects.toThrow('options.quoted')
  })

  test('a broken quote ends the file, skipping or not, as rows after it cannot be told apart', async () => {
    const rows = ['text,label', 'good,a', '"bro"ken,a', 'lost,b', '"open,b', 'too,late']
    const path = await file('quote.csv', rows.join('\n'))
    for (const onBadRow of ['error', 'skip'] as const) {
      const refused = loadDataset(path, { onBadRow })
      await expect(refused).rejects.toMatchObject({ code: 'invalid-dataset', where: `${path}:3` })
      await expect(refused).rejects.toThrow('mend the quote, as the rows from here on cannot be told apart')
    }
    const open = await file('open.csv', [...rows.slice(0, 2), ...rows.slice(4)].join('\n'))
    await expect(loadDataset(open, { onBadRow: 'skip' })).rejects.toThrow(
      /open\.csv:\d+: Quote Not Closed[^]*mend the quote/,
    )
    const report = await inspectData(path, { onBadRow: 'skip' })
    expect(report.findings[0]).toMatchObject({
      severity: 'error',
      code: 'invalid-dataset',
      message: '1 file is broken: nothing after that place can be read.',
      where: [{ origin: `${path}:3` }],
    })
    expect(report.trainable).toBe(false)
    // Plain quotes are cells like others.
    expect((await loadDataset(path, { quoted: false })).length).toBe(5)
  })

  test('questions with and without an answer', async () => {
    const path = await file('q.csv', 'question,context,answer,answer_start\nWho?,Ada met Bo.,Bo,8\nWhy?,Ada.,,\n')
    const { rows } = await loadDataset(path)
    expect(rows[0]).toMatchObject({ answers: { text: ['Bo'], answer_start: [8] } })
    expect(rows[1]).toMatchObject({ question: 'Why?', answers: { text: [], answer_start: [] } })
  })

  test('lines with too few columns, wrong fields, no rows, other bytes', async () => {
    const path = await file('bad.csv', 'text,label\na,x\nb\n,y\nc,z,1\n')
    const error = loadDataset(path)
    await expect(error).rejects.toMatchObject({ code: 'invalid-dataset', where: `${path}:3` })
    await expect(error).rejects.toThrow(
      /bad\.csv:3: expected 2 columns \(text, label\), received 1[^]*bad\.csv:4: [^]*bad\.csv:5:/,
    )
    await expect(loadDataset(await file('empty.csv', 'text,label\n'))).rejects.toMatchObject({ code: 'empty-dataset' })
    await expect(loadDataset(await file('none.csv', ''))).rejects.toMatchObject({ code: 'empty-dataset' })
    const latin = await file('latin.csv', Buffer.from('text,label\ncaf\xe9,x\n', 'latin1'))
    await expect(loadDataset(latin)).rejects.toThrow('UTF-8')
    const wrong = loadDataset(path, { format: 'xml' as 'csv' })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid-option', where: 'options.format' })
  })
})

describe('JSON', () => {
  test.each([
    ['over several lines', 2, (rows: object) => ({ version: '1', data: rows }), 'data'],
    ['on one line', 0, (rows: object) => ({ data: rows }), 'data'],
    ['deeper', 2, (rows: object) => ({ meta: { by: ['me'] }, result: { mine: rows } }), 'result.mine'],
  ])(
    'rows wrapped in an object: the error names where they are, and at reads them (%s)',
    async (name, indent, wrap, at) => {
      const rows = ['a', 'b'].map((text) => ({ text, label: text }))
      const path = await file(`wrapped ${name}.json`, JSON.stringify(wrap(rows), null, indent))
      await expect(loadDataset(path)).rejects.toThrow(`the option at says where its rows are, perhaps at: '${at}'`)
      const dataset = await loadDataset(path, { at })
      expect(dataset.rows).toEqual(rows)
      const { findings } = await inspectData(path)
      expect(findings[0]?.where[0]?.what).toContain(`perhaps at: '${at}'`)
    },
  )

  test('what holds no list of rows is not told of at', async () => {
    const chat = { dialog: [{ role: 'user', content: 'a' }], numbers: [1, 2] }
    await expect(loadDataset(await file('chat.json', JSON.stringify(chat)))).rejects.not.toThrow('option at')
  })

  test('a list of rows; lines under the same extension', async () => {
    const path = await file('list.json', '\uFEFF[{"text": "a", "label": 1},\n {"text": "b", "label": 0}]')
    const dataset = await loadDataset(path)
    expect(dataset.rows).toEqual([
      { text: 'a', label: 1 },
      { text: 'b', label: 0 },
    ])
    expect(dataset.origins).toEqual([`${path}[0]`, `${path}[1]`])
    expect((await loadDataset(await file('lines.json', '{"text": "a"}\n{"text": "b"}\n'))).length).toBe(2)
    const nested = await file('nested.json', '{\n"train": [{"text": "a"}]\n}')
    await expect(loadDataset(nested)).rejects.toThrow('received fields train')
    const broken = await file('broken.json', '[{"text": "a"},\n')
    await expect(loadDataset(broken)).rejects.toMatchObject({ code: 'invalid-json' })
  })
})
