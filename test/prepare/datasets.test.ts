import { describe, expect, test } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { deduplicate, findLeakage } from '../../lib/prepare/deduplicate.js'
import { deidentifyDataset } from '../../lib/prepare/deidentify-dataset.js'
import { refusal } from '../refusal.js'

const names = ['Mary Jones', 'Mary']
const after = (row: DatasetRow): DatasetRow =>
  deidentifyDataset(Dataset.from([row]), { names, consistent: true }).dataset.rows[0]!

describe('rows of every shape are de-identified', () => {
  test.each<[DatasetRow, DatasetRow]>([
    [{ text: 'Mary' }, { text: '[NAME_1]' }],
    [
      { text: 'Mary', label: 'Mary' },
      { text: '[NAME_1]', label: 'Mary' },
    ],
    [
      { prompt: 'Mary, a@b.org', completion: 'a@b.org' },
      { prompt: '[NAME_1], [EMAIL_1]', completion: '[EMAIL_1]' },
    ],
    [
      { prompt: 'Mary?', chosen: 'Mary!', rejected: 'no' },
      { prompt: '[NAME_1]?', chosen: '[NAME_1]!', rejected: 'no' },
    ],
    [
      { source: 'Mary', target: 'a@b.org' },
      { source: '[NAME_1]', target: '[EMAIL_1]' },
    ],
    [
      { anchor: 'Mary', positive: 'x', negative: 'a@b.org' },
      { anchor: '[NAME_1]', positive: 'x', negative: '[EMAIL_1]' },
    ],
    [
      { tokens: ['Mary', 'Jones', 'wrote', 'a@b.org,', 'no'], tags: ['B', 'I', 'O', 'O', 'O'] },
      { tokens: ['[NAME_1]', '[NAME_1]', 'wrote', '[EMAIL_1],', 'no'], tags: ['B', 'I', 'O', 'O', 'O'] },
    ],
    [
      {
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'I am Mary' }] },
          { role: 'assistant', content: 'Hello Mary' },
        ],
      },
      {
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'I am [NAME_1]' }] },
          { role: 'assistant', content: 'Hello [NAME_1]' },
        ],
      },
    ],
  ])('%j', (row, expected) => {
    expect(after(row)).toEqual(expected)
  })

  test('answers move with their context, counted in code points', () => {
    const context = '😀 Mary Jones lives in Rome; 😀 mail a@b.org'
    const start = (answer: string): number => Array.from(context.slice(0, context.indexOf(answer))).length
    const texts = ['Mary Jones', 'Rome', 'Mary Jones lives', 'a@b.org']
    const row = after({ question: 'Mary?', context, answers: { text: texts, answer_start: texts.map(start) } })
    const { answers, context: changed } = row as unknown as {
      context: string
      answers: { text: string[]; answer_start: number[] }
    }
    expect(answers.text).toEqual(['[NAME_2]', 'Rome', '[NAME_2] lives', '[EMAIL_1]'])
    answers.text.forEach((text, i) => {
      const from = answers.answer_start[i]!
      expect(
        Array.from(changed)
          .slice(from, from + Array.from(text).length)
          .join(''),
      ).toBe(text)
    })
  })

  test('an answer within what is replaced is refused by name, or left out and listed', () => {
    const rows = Dataset.from([
      { question: 'who?', context: 'Mary Jones came', answers: { text: ['Jones'], answer_start: [5] } },
      { question: 'who?', context: 'nobody came', answers: { text: ['nobody'], answer_start: [0] } },
    ])
    expect(refusal(() => deidentifyDataset(rows, { names }))).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
    const { dataset, report } = deidentifyDataset(rows, { names, onRefused: 'skip' })
    expect(dataset.origins).toEqual(['row 1'])
    expect(report.refused).toMatchObject([{ origin: 'row 0' }])
  })

  test('fields beside, a report by row', () => {
    const rows = Dataset.from([
      { text: 'Mary', date: '2024-01-02', note: 'by Mary' },
      { text: 'nothing' },
    ] as DatasetRow[])
    const { dataset, report } = deidentifyDataset(rows, { names, leaveFields: ['date'] })
    expect(dataset.fieldsOf(0)).toEqual({ date: '2024-01-02', note: 'by [NAME]' })
    expect(report).toEqual({
      rows: 2,
      changedRows: 1,
      counts: { name: 2 },
      byRow: [{ origin: 'row 0', counts: { name: 2 } }],
      refused: [],
    })
  })
})

describe('deduplicate', () => {
  const long = 'please tell me where the parcel that I ordered three weeks ago has gone because I need it soon'
  const rows = Dataset.from([
    { text: long, label: 'a' },
    { text: long.toUpperCase(), label: 'a' },
    { text: `${long} thanks`, label: 'a' },
    { text: long, label: 'b' },
    { text: 'other', label: 'a' },
  ])

  test('exact, near, first and last, with labels or without', () => {
    expect(deduplicate(rows, { near: false }).dataset.origins).toEqual(['row 0', 'row 2', 'row 3', 'row 4'])
    const { dataset, report } = deduplicate(rows)
    expect(dataset.origins).toEqual(['row 0', 'row 3', 'row 4'])
    expect(report.exact).toEqual([{ index: 1, origin: 'row 1', of: { index: 0, origin: 'row 0' }, similarity: 1 }])
    expect(report.near).toMatchObject([{ index: 2, of: { index: 0 } }])
    expect(deduplicate(rows, { keep: 'last' }).dataset.origins).toEqual(['row 2', 'row 3', 'row 4'])
    expect(deduplicate(rows, { by: 'texts' }).dataset.origins).toEqual(['row 0', 'row 4'])
  })

  test('leakage between training and validation', () => {
    const { exact, near } = findLeakage(
      rows,
      Dataset.from([
        { text: long, label: 'c' },
        { text: `so ${long}`, label: 'a' },
        { text: 'new', label: 'a' },
      ]),
    )
    expect(exact.map(({ index }) => index)).toEqual([0])
    expect(near.map(({ index }) => index)).toEqual([1])
  })
})
