import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { SourceOptions } from '../../../lib/data/sources/source-options.js'
import { inPieces, itemsOf } from './source-files.js'

// Everything that may trip a reader: quotes, escapes, ends of lines, brackets, characters of several bytes.
const cell = fc.string({
  unit: fc.constantFrom(
    'a',
    ' ',
    '"',
    '\\',
    ',',
    '\t',
    '\n',
    '\r\n',
    '[',
    ']',
    '{',
    '}',
    ':',
    'é',
    '€',
    '😀',
    '\u2028',
    '0',
  ),
  maxLength: 12,
})
const json = fc.jsonValue({ maxDepth: 3 })
const row = fc.record({ text: cell, more: json })
const rows = fc.array(row, { maxLength: 20 })
const pieceSize = fc.integer({ min: 1, max: 40 })
const newline = fc.constantFrom('\n', '\r\n')
const mark = fc.constantFrom('', '\uFEFF')

// JSON knows no negative zero.
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

async function readBack(name: string, text: string, size: number, options: SourceOptions = {}) {
  const items = await itemsOf({ path: name, open: inPieces(Buffer.from(text), size) }, options)
  return {
    origins: items.map(({ origin }) => origin),
    values: items.map((item) => (item.code === undefined ? item.value : item)),
  }
}

describe('rows come back, whatever they are and wherever the blocks part', () => {
  test('JSON Lines, with blank lines between', () =>
    fc.assert(
      fc.asyncProperty(rows, pieceSize, newline, mark, fc.boolean(), async (some, size, end, begin, blanks) => {
        const gap = blanks ? `${end} ${end}` : end
        const back = await readBack('a.jsonl', begin + some.map((one) => JSON.stringify(one)).join(gap), size)
        expect(back.values).toEqual(asJson(some))
        expect(back.origins).toEqual(some.map((_, index) => `a.jsonl:${index * (blanks ? 2 : 1) + 1}`))
      }),
    ))

  test('a JSON list, however it is laid out', () =>
    fc.assert(
      fc.asyncProperty(rows, pieceSize, mark, fc.integer({ min: 0, max: 3 }), async (some, size, begin, space) => {
        const back = await readBack('a.json', begin + JSON.stringify(some, null, space), size)
        expect(back.values).toEqual(asJson(some))
        expect(back.origins).toEqual(some.map((_, index) => `a.json[${index}]`))
      }),
    ))

  test('a JSON list somewhere inside', () =>
    fc.assert(
      fc.asyncProperty(rows, json, pieceSize, fc.integer({ min: 0, max: 3 }), async (some, other, size, space) => {
        const whole = { before: other, 'the "data"': { b: [other], rows: some, c: other }, after: [other] }
        const back = await readBack('a.json', JSON.stringify(whole, null, space), size, { at: 'the "data".rows' })
        expect(back.values).toEqual(asJson(some))
      }),
    ))

  test('a JSON object with a row a name', () =>
    fc.assert(
      fc.asyncProperty(fc.dictionary(cell, row), pieceSize, async (some, size) => {
        const back = await readBack('a.json', JSON.stringify(some), size, { keyField: 'id' })
        const plain = asJson(some) as Record<string, object>
        expect(back.values).toEqual(Object.entries(plain).map(([id, value]) => ({ id, ...value })))
        expect(back.origins).toEqual(Object.keys(plain).map((id) => `a.json[${JSON.stringify(id)}]`))
      }),
    ))

  test('JSON objects over several lines, one after the other', () =>
    fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 9 }), pieceSize, async (some, size) => {
        const texts = some.map((one) => JSON.stringify(one, null, 2))
        const back = await readBack('a.json', texts.join('\n'), size)
        expect(back.values).toEqual(asJson(some))
        const lines = texts.map((_, index) => texts.slice(0, index).join('\n').split('\n').length + (index > 0 ? 1 : 0))
        expect(back.origins).toEqual(lines.map((line) => `a.json:${line}`))
      }),
    ))

  test.each([
    ['CSV', 'a.csv', ','],
    ['TSV', 'a.tsv', '\t'],
  ])('%s', (_, name, delimiter) =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell)), pieceSize, newline, mark, async (some, size, end, begin) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
        const records = [['text', 'other'], ...some].map((cells) => cells.map(quoted).join(delimiter))
        const back = await readBack(name, begin + records.join(end), size)
        expect(back.values).toEqual(some.map(([text, other]) => ({ text, other })))
        const ends = (text: string): number => text.split(/\r\n|\n|\r/).length - 1
        let line = 1
        const lines = records.map((record) => {
          const first = line
          line += ends(record) + 1
          return first
        })
        expect(back.origins).toEqual(lines.slice(1).map((first) => `${name}:${first}`))
      }),
    ),
  )

  test('lines of text', () =>
    fc.assert(
      fc.asyncProperty(fc.array(cell), pieceSize, async (some, size) => {
        const lines = some.map((text) => text.replaceAll(/[\r\n]/g, ''))
        const back = await readBack('a.txt', lines.join('\n'), size)
        expect(back.values).toEqual(lines.filter((text) => text.trim() !== '').map((text) => ({ text })))
      }),
    ))
})
