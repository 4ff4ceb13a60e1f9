import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { recognizeShape } from '../../lib/data/recognize-shape.js'
import type { ShapeName } from '../../lib/data/rows.js'
import { refusal } from '../refusal.js'

describe('how rows are recognised', () => {
  test.each<[object, string, string[], string[]]>([
    [{ messages: [], tools: [], id: 1 }, 'messages', ['messages', 'tools'], ['id']],
    [{ text: 'a', label: 1, date: 'x' }, 'text-label', ['text', 'label'], ['date']],
    [{ instruction: 'a', input: '', output: 'b', text: 'c' }, 'messages', ['instruction', 'input', 'output'], ['text']],
    [
      { premise: 'a', hypothesis: 'b', label: 1, text: null },
      'text-label',
      ['premise', 'hypothesis', 'label'],
      ['text'],
    ],
    [{ prompt: 'a', completion: 'b', label: 'x' }, 'prompt-completion', ['prompt', 'completion'], ['label']],
  ])('%j', (row, shape, reads, ignores) => {
    expect(recognizeShape(row as Record<string, unknown>)).toMatchObject({ shape, reads, ignores })
  })

  test('a sentence says what was seen, why, what is left and what else could be', () => {
    const row = { messages: [], chosen: [], rejected: [], source_id: 3 }
    const found = recognizeShape(row)
    expect(found?.alternatives).toEqual(['preference'])
    expect(found?.sentence).toBe(
      "each row is read as a conversation (OpenAI's chat lines), shape 'messages', because of messages; " +
        "not read are chosen, rejected and source_id (the option shape could say 'preference' instead)",
    )
    expect(recognizeShape(row, { shape: 'preference' })?.sentence).toContain('because the option shape says so')
    expect(recognizeShape({ a: 1 })).toBeUndefined()
    expect(recognizeShape({ a: 'x', b: 'y' }, { fields: { text: 'a', label: 'b' } })).toMatchObject({
      reads: ['a', 'b'],
    })
  })

  test('a dataset knows how it is read, whatever of it is taken', () => {
    const dataset = Dataset.from([{ text: 'a', id: 1 }, { text: 'b', day: 2 }, { text: 'c' }] as { text: string }[])
    expect(dataset.recognition).toMatchObject({ shape: 'text', reads: ['text'], ignores: ['id', 'day'] })
    expect(dataset.slice(1).recognition?.sentence).toBe(dataset.recognition?.sentence)
    expect(dataset.filter(() => false).recognition).toBeUndefined()
    expect(dataset.map(() => ({ prompt: 'a', completion: 'b' })).recognition).toMatchObject({
      shape: 'prompt-completion',
      ignores: ['id', 'day'],
    })
  })

  test('a wrong shape is named with the ones there are; rows that do not fit it, with what they are', () => {
    const unknown = refusal(() => Dataset.from([{ text: 'a' }], { shape: 'chat' as ShapeName }))
    expect(unknown).toMatchObject({ code: 'invalid-option', where: 'options.shape' })
    expect(String(unknown)).toContain("'messages'")
    const unfit = String(refusal(() => Dataset.from([{ text: 'a' }], { shape: 'messages' })))
    for (const part of ['as in options.shape', 'fields text', "which is 'text'"]) expect(unfit).toContain(part)
    const unread = refusal(() => recognizeAll([{ sentence: 'a', category: 'b' }]))
    expect(String(unread)).toContain("perhaps { text: 'sentence', label: 'category' }")
  })

  test('fields that are not read stay, by the names the rows give them', () => {
    const rows = [{ sentence: 'a', text: 'other', id: 1 }, { sentence: 'b' }] as unknown as { text: string }[]
    const dataset = Dataset.from(rows, { fields: { text: 'sentence' } })
    expect([dataset.fieldsOf(0), dataset.fieldsOf(1)]).toEqual([{ text: 'other', id: 1 }, {}])
    expect(dataset.slice(0, 1).concat(dataset).fieldsOf(1)).toEqual({ text: 'other', id: 1 })
    const mapped = dataset.map((_, index, fields) => ({ text: 'x', label: Number(fields['id'] ?? index) }))
    expect(mapped.rows).toEqual([
      { text: 'x', label: 1 },
      { text: 'x', label: 1 },
    ])
    expect(mapped.fieldsOf(0)).toEqual({ text: 'other', id: 1 })
    expect(dataset.filter((_, __, fields) => 'id' in fields).length).toBe(1)
  })
})

function recognizeAll(rows: readonly object[]): Dataset {
  return Dataset.from(rows as { text: string }[])
}

describe('rows of other sources', () => {
  test('options.map makes rows of what there is: one, several, none', () => {
    const values = [['a', 'x'], ['b', 'y'], []] as unknown as { text: string }[]
    const dataset = Dataset.from(values, {
      map: (pair: readonly string[]) =>
        pair.length === 0
          ? undefined
          : [
              { text: pair[0] ?? '', label: pair[1] ?? '' },
              { text: 'again', label: 'z' },
            ],
    })
    expect(dataset.length).toBe(4)
    expect(dataset.origins).toEqual(['row 0[0]', 'row 0[1]', 'row 1[0]', 'row 1[1]'])
    const failing = refusal(() =>
      Dataset.from([{ text: 'a' }], {
        map: () => {
          throw new TypeError('no such thing')
        },
      }),
    )
    expect(failing).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
    expect(String(failing)).toContain('options.map failed: no such thing')
  })

  test('rows that come one after the other', async () => {
    async function* rows(): AsyncGenerator<{ text: string }> {
      for (const text of ['a', 'b']) yield await Promise.resolve({ text })
    }
    const dataset = await Dataset.fromAsync(rows())
    expect([dataset.rows, dataset.origins]).toEqual([
      [{ text: 'a' }, { text: 'b' }],
      ['row 0', 'row 1'],
    ])
    await expect(Dataset.fromAsync([])).rejects.toMatchObject({ code: 'empty-dataset' })
  })

  test('datasets of one shape in one', () => {
    const [a, b] = [Dataset.from([{ text: 'a' }]), Dataset.from([{ text: 'b' }, { text: 'c' }])]
    expect(a.concat(b, a.slice(1)).rows).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    expect(a.slice(1).concat(b).shape).toBe('text')
    const other = Dataset.from([{ prompt: 'a', completion: 'b' }])
    expect(refusal(() => a.concat(other))).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
  })
})
