import { describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import type { RowOptions } from '../../lib/data/row-reader.js'
import type { DatasetRow, RowAlias } from '../../lib/data/rows.js'
import { refusal } from '../refusal.js'

const read = (row: unknown, options: RowOptions = {}): { shape: string | undefined; row: DatasetRow | undefined } => {
  const dataset = Dataset.from([row as DatasetRow], options)
  return { shape: dataset.shape, row: dataset.rows[0] }
}

describe('shapes of rows', () => {
  test.each<[RowAlias | DatasetRow, string, DatasetRow]>([
    [{ text: 'a', label: 'spam' }, 'text-label', { text: 'a', label: 'spam' }],
    [{ text: 'a', label: 0 }, 'text-label', { text: 'a', label: 0 }],
    [{ text: 'a', text_pair: 'b', label: 2.5 }, 'text-label', { text: 'a', text_pair: 'b', label: 2.5 }],
    [{ premise: 'a', hypothesis: 'b', label: 1 }, 'text-label', { text: 'a', text_pair: 'b', label: 1 }],
    [{ sentence1: 'a', sentence2: 'b', label: 1 }, 'text-label', { text: 'a', text_pair: 'b', label: 1 }],
    [{ text: 'a', labels: ['x', 'y'] }, 'text-labels', { text: 'a', labels: ['x', 'y'] }],
    [{ text: 'a', labels: [] }, 'text-labels', { text: 'a', labels: [] }],
    [{ tokens: ['a', 'b'], tags: ['O', 'B-X'] }, 'tokens-tags', { tokens: ['a', 'b'], tags: ['O', 'B-X'] }],
    [{ tokens: ['a'], ner_tags: [3] }, 'tokens-tags', { tokens: ['a'], tags: [3] }],
    [{ source: 'a', target: 'b' }, 'source-target', { source: 'a', target: 'b' }],
    [{ anchor: 'a', positive: 'b' }, 'anchor-positive', { anchor: 'a', positive: 'b' }],
    [{ anchor: 'a', positive: 'b', negative: 'c' }, 'anchor-positive', { anchor: 'a', positive: 'b', negative: 'c' }],
  ])('%o', (given, shape, row) => {
    expect(read(given)).toEqual({ shape, row })
  })

  test('other fields are left out, a null is no field, and the shape can be said', () => {
    expect(read({ text: 'a', label: null, id: 7 })).toEqual({ shape: 'text', row: { text: 'a' } })
    expect(read({ text: 'a', label: 'x', id: 7 }).row).toEqual({ text: 'a', label: 'x' })
    expect(read({ text: 'a', label: 'x' }, { shape: 'text' })).toEqual({ shape: 'text', row: { text: 'a' } })
    expect(read({ text: 'a', labels: ['x'], label: 'x' }, { shape: 'text-label' }).row).toEqual({
      text: 'a',
      label: 'x',
    })
  })

  test('fields under other names', () => {
    const fields = { text: 'sentence', label: 'category' }
    expect(read({ sentence: 'a', category: 'b', text: 'other' }, { fields }).row).toEqual({ text: 'a', label: 'b' })
    expect(refusal(() => read({ sentence: 'a' }, { fields: { text: 'body' } }))).toMatchObject({
      code: 'invalid-dataset',
      where: 'row 0',
    })
  })

  test('translations go the way the options say', () => {
    const row = { translation: { en: 'cat', sv: 'katt', de: 'Katze' } }
    const options = { sourceLanguage: 'sv', targetLanguage: 'en' }
    expect(read(row, options)).toEqual({ shape: 'source-target', row: { source: 'katt', target: 'cat' } })
    const message = String(refusal(() => read(row)))
    for (const part of ['sourceLanguage', 'targetLanguage', 'en, sv, de']) expect(message).toContain(part)
    const missing = refusal(() => read(row, { sourceLanguage: 'sv', targetLanguage: 'fi' }))
    expect(String(missing)).toContain('translation.fi')
  })

  test('answers: as columns, as a list, one alone, none', () => {
    const texts = { question: 'Who?', context: 'Ada met Bo.' }
    const found = (rest: object): unknown => (read({ ...texts, ...rest }).row as { answers: unknown }).answers
    const bo = { text: ['Bo'], answer_start: [8] }
    expect(found({ answers: bo })).toEqual(bo)
    expect(found({ answers: [{ text: 'Bo', answer_start: 8 }] })).toEqual(bo)
    expect(found({ answer: 'Bo', answer_start: 8 })).toEqual(bo)
    const none = { text: [], answer_start: [] }
    for (const rest of [{ answers: none }, { answers: [] }, { answer: null }, { answer: '', answer_start: -1 }]) {
      expect(found(rest)).toEqual(none)
    }
  })

  test('starts in UTF-16 units are understood and become code points', () => {
    const context = '👋👋 Ada'
    for (const start of [3, 5]) {
      const { row } = read({ question: 'Who?', context, answer: 'Ada', answer_start: start })
      expect(row).toMatchObject({ answers: { answer_start: [3] } })
    }
  })

  const qa = { question: 'Who?', context: 'Ada met Bo.' }
  test.each<[object, string[]]>([
    [{ text: '', label: 1 }, ['text is empty']],
    [{ text: ' \n', label: 1 }, ['text is empty']],
    [{ premise: 'a', hypothesis: '', label: 1 }, ['hypothesis is empty']],
    [{ text: 'a', label: '' }, ['label', 'string or a number', 'an empty string']],
    [{ text: 'a', label: true }, ['label', 'string or a number', 'boolean']],
    [{ text: 'a', label: ['x'] }, ['label', 'a list']],
    [{ text: 'a', labels: 'x' }, ['labels', 'a list of strings or numbers', 'a string']],
    [{ text: 'a', labels: ['x', null] }, ['labels', 'entry 1 is null']],
    [{ tokens: ['a', 'b'], tags: ['O'] }, ['tags has 1 entries, tokens has 2']],
    [{ tokens: ['a', 'b'], ner_tags: [0, 1, 2] }, ['ner_tags has 3 entries, tokens has 2']],
    [{ tokens: ['a', ''], tags: ['O', 'O'] }, ['tokens[1] is empty']],
    [{ tokens: [], tags: [] }, ['tokens is empty']],
    [{ source: 'a', target: '' }, ['target is empty']],
    [{ anchor: 'a', positive: ' ' }, ['positive is empty']],
    [qa, ['answers is missing', 'empty list']],
    [{ ...qa, answer: 'Bo' }, ['answer_start', 'nothing']],
    [{ ...qa, answer: 'Bo', answer_start: 4 }, ["points at 'me'", "'Bo'", 'stands at 8']],
    [{ ...qa, answer: 'Cy', answer_start: 4 }, ['does not contain the answer']],
    [{ ...qa, answer: 'Bo', answer_start: 10 }, ['10 to 12', 'outside the context of 11 characters']],
    [{ ...qa, answer: 'Bo', answer_start: -1 }, ['outside the context']],
    [{ ...qa, answers: { text: ['Bo'], answer_start: [] } }, ['1 entries', '0']],
    [{ ...qa, answers: { text: [''], answer_start: [0] } }, ['answers.text[0] is empty']],
  ])('%o is refused', (row, parts) => {
    const error = refusal(() => read(row))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: 'row 0' })
    for (const part of parts) expect(String(error)).toContain(part)
  })
})

describe('a stratified split', () => {
  const label = (index: number): string => (index % 10 === 0 ? 'rare' : index % 3 === 0 ? 'some' : 'most')
  const dataset = Dataset.from(Array.from({ length: 200 }, (_, index) => ({ text: `t${index}`, label: label(index) })))
  const count = (part: Dataset): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const row of part) {
      if (!('label' in row && 'text' in row)) throw new Error('no label')
      counts[row.label] = (counts[row.label] ?? 0) + 1
    }
    return counts
  }

  test('each part has its share of every class, and the size asked for', () => {
    expect(count(dataset)).toEqual({ rare: 20, some: 60, most: 120 })
    const split = dataset.split({ validation: 0.1, test: 31, seed: 4, stratify: 'label' })
    expect(count(split.validation)).toEqual({ rare: 2, some: 6, most: 12 })
    expect(split.test.length).toBe(31)
    expect(count(split.test)).toMatchObject({ rare: 3 })
    const all = [split.train, split.validation, split.test].flatMap((part) => part.origins)
    expect(new Set(all).size).toBe(200)
    expect(split.train.length).toBe(149)
    const again = dataset.split({ validation: 0.1, test: 31, seed: 4, stratify: 'label' })
    expect(again.validation.origins).toEqual(split.validation.origins)
    const other = dataset.split({ validation: 0.1, seed: 5, stratify: 'label' })
    expect(other.validation.origins).not.toEqual(split.validation.origins)
  })

  test('a class with one row stays in training', () => {
    const few = Dataset.from(Array.from('aaaabbbbc', (label, index) => ({ text: `t${index}`, label })))
    for (let seed = 0; seed < 20; seed++) {
      expect(count(few.split({ validation: 3, seed, stratify: 'label' }).train)['c']).toBe(1)
    }
  })

  test('rows without one class each are refused', () => {
    const where = 'options.stratify'
    for (const rows of [
      [{ text: 'a' }, { text: 'b' }],
      [
        { text: 'a', label: 0.5 },
        { text: 'b', label: 1 },
      ],
    ]) {
      const error = refusal(() => Dataset.from(rows).split({ validation: 1, stratify: 'label' }))
      expect(error).toMatchObject({ code: 'invalid-option', where })
    }
  })
})
