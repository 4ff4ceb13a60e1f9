import { execFileSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { loadDataset } from '../../../lib/data/load-dataset.js'
import type { SourceOptions } from '../../../lib/data/sources/source-options.js'
import { errorOf, fileIn, inPieces, itemsOf, temporaryFolder, valuesOf } from './source-files.js'

const folder = temporaryFolder()
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const bytes = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))

describe('JSON Lines', () => {
  test('bytes that are not UTF-8 are named by line and by byte of the file', async () => {
    const path = fileIn(folder, 'latin.jsonl', bytes('{"text": "a"}\n{"text": "', 0xe9, '"}\n{"text": "c"}\n'))
    const [first, second, third] = await itemsOf(path)
    expect([first, third]).toEqual([
      { origin: `${path}:1`, value: { text: 'a' } },
      { origin: `${path}:3`, value: { text: 'c' } },
    ])
    expect(second).toMatchObject({ origin: `${path}:2`, code: 'invalid-dataset' })
    expect(second).toHaveProperty('what', expect.stringContaining('byte 0xE9 at offset 24 of the file'))
    expect(await valuesOf(path, { encoding: 'windows-1252' })).toContainEqual({ text: 'é' })
  })

  test('a byte order mark, CRLF and blank lines are no matter, UTF-16 is told', async () => {
    const path = fileIn(folder, 'mark.jsonl', '\uFEFF{"text": "a"}\r\n\r\n{"text": "b"}\r\n')
    expect((await itemsOf(path)).map(({ origin }) => origin)).toEqual([`${path}:1`, `${path}:3`])
    const wide = fileIn(folder, 'wide.jsonl', Buffer.from('\uFEFF{"text": "ö"}\r\n{"text": "b"}', 'utf16le'))
    const error = await errorOf(itemsOf(wide))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: `${wide}:1` })
    expect(error.message).toContain('utf-16le')
    expect(await valuesOf(wide, { encoding: 'utf-16le' })).toEqual([{ text: 'ö' }, { text: 'b' }])
    const bare = fileIn(folder, 'bare.jsonl', Buffer.from('{"text": "a"}', 'utf16le'))
    expect(await itemsOf(bare)).toMatchObject([
      { code: 'invalid-json', what: expect.stringContaining('UTF-16') as string },
    ])
  })

  test('a line longer than allowed is passed over, not kept', async () => {
    const path = join(folder, 'huge.jsonl')
    const file = createWriteStream(path)
    file.write('{"text": "a"}\n{"text": "')
    const part = 'x'.repeat(1 << 20)
    for (let at = 0; at < 40; at++) file.write(part)
    await new Promise<void>((resolve) => file.end('"}\n{"text": "b"}\n', resolve))
    const items = await itemsOf(path, { maxRowBytes: 1 << 20 })
    expect(items.map(({ origin }) => origin)).toEqual([`${path}:1`, `${path}:2`, `${path}:3`])
    expect(items[1]).toMatchObject({
      code: 'invalid-dataset',
      what: expect.stringContaining('1,048,576 bytes') as string,
    })
    expect(items[1]).toHaveProperty('what', expect.stringContaining('options.maxRowBytes'))
    // Within a block too.
    const short = await itemsOf(
      { path: 'a.jsonl', open: inPieces(Buffer.from('{"a": 1}\n{"a": "123"}\n'), 99) },
      { maxRowBytes: 9 },
    )
    expect(short.map(({ code }) => code)).toEqual([undefined, 'invalid-dataset'])
  })

  test('nesting of a hundred thousand levels is refused, not a crash', async () => {
    const path = fileIn(folder, 'deep.jsonl', `{"text": "a"}\n{"text": ${nested(100_000)}}\n{"text": ${nested(400)}}\n`)
    const [, deep, fine] = await itemsOf(path)
    expect(deep).toMatchObject({ origin: `${path}:2`, what: 'nested more than 500 levels deep' })
    expect(fine?.code).toBeUndefined()
    const unclosed = fileIn(folder, 'unclosed.jsonl', `${'['.repeat(100_000)}\n`)
    expect(await itemsOf(unclosed)).toMatchObject([{ origin: `${unclosed}:1`, code: 'invalid-json' }])
  })

  test('what is no JSON is named by line', async () => {
    const path = fileIn(folder, 'broken.jsonl', '{"text": "a"}\n{"text": \n')
    expect(await itemsOf(path)).toMatchObject([{}, { origin: `${path}:2`, code: 'invalid-json' }])
  })
})

describe('JSON', () => {
  test.each<[string, string, string, SourceOptions?]>([
    ['cut short', '[{"text": "a"}, {"text": "b"', 'list.json[1]'],
    ['a comma too many', '[{"text": "a"},\n]', 'expected a value'],
    ['a bracket too many', '[{"text": "a"}},\n{}]', 'expected a comma or ]'],
    ['something after the list', '[{"text": "a"}]\n[]', 'nothing after the end'],
    ['an object for a list', '{"a": 1}', "'rows'", { at: 'rows' }],
    ['an object where the list should be', '{"rows": {"a": {}}}', 'options.keyField', { at: 'rows' }],
    ['no object on the way', '{"data": [1]}', "the name 'rows'", { at: 'data.rows' }],
    ['a list for an object', '[1]', 'expected an object', { keyField: 'id' }],
    ['a name without a value', '{"a" 1}', 'a colon', { keyField: 'id' }],
  ])('%s', async (_, text, part, options = {}) => {
    const path = fileIn(folder, 'list.json', text)
    const error = await errorOf(itemsOf(path, options))
    expect(error.code).toBe('invalid-json')
    expect(error.where).toMatch(/list\.json:\d/)
    expect(error.message).toContain(part)
    expect(error.message).toMatch(/at byte \d+/)
  })

  test('names the fields that are there instead', async () => {
    const path = fileIn(folder, 'named.json', '{"train": [1], "dev": {"x": [2]}}')
    expect((await errorOf(itemsOf(path, { at: 'test' }))).message).toContain('train, dev')
    expect((await errorOf(itemsOf(path, { at: 'dev.y' }))).message).toContain('the names here are x')
  })

  test('rows too long, too deep or not UTF-8 are named by their place, the others are read', async () => {
    const rows = bytes(
      `[{"a": 1}, {"a": ${nested(100_000)}}, {"a": "`,
      0xff,
      `"}, {"a": "${'x'.repeat(5000)}"}, {"a": 2}]`,
    )
    for (const size of [7, 4096, rows.length]) {
      const limit = { maxRowBytes: 4000 }
      const items = await itemsOf({ path: 'a.json', open: inPieces(rows, size) }, limit)
      expect(items.map(({ origin }) => origin)).toEqual([0, 1, 2, 3, 4].map((index) => `a.json[${index}]`))
      expect(items.map(({ code }) => code ?? '')).toEqual(['', ...Array<string>(3).fill('invalid-dataset'), ''])
      expect(items[2]).toHaveProperty('what', expect.stringContaining('0xFF at offset 200,0'))
    }
    const deep = await itemsOf({ path: 'a.json', open: inPieces(rows, 4096) })
    expect(deep[1]).toHaveProperty('what', 'nested more than 500 levels deep')
  })

  test('rows that are lists take the names of the columns', async () => {
    const path = fileIn(folder, 'pairs.json', '{"val": [], "train": [["a", "x"], ["b"], {"text": "c"}]}')
    const items = await itemsOf(path, { at: 'train', columns: ['text', 'label'] })
    expect(items).toMatchObject([
      { value: { text: 'a', label: 'x' } },
      { origin: `${path}[1]`, code: 'invalid-dataset' },
      { value: { text: 'c' } },
    ])
  })
})

describe('CSV', () => {
  test('a header that names a column twice; columns without a name', async () => {
    const twice = fileIn(folder, 'twice.csv', 'text,label,text\na,b,c\n')
    const error = await errorOf(itemsOf(twice))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: `${twice}:1` })
    expect(error.message).toContain("columns 1 and 3 are both named 'text'")
    const index = fileIn(folder, 'index.csv', ',text\n0,a\n')
    expect(await valuesOf(index)).toEqual([{ 'column 1': '0', text: 'a' }])
  })

  test('quotes that never end, or stand where none should', async () => {
    const open = fileIn(folder, 'open.csv', 'text\n"a\nb\nc\n')
    expect(await errorOf(itemsOf(open))).toMatchObject({
      code: 'invalid-dataset',
      where: expect.stringMatching(/open\.csv:\d/) as string,
    })
    const long = await errorOf(itemsOf(open, { maxRowBytes: 3 }))
    expect(long.message).toContain('options.maxRowBytes')
    const inside = fileIn(folder, 'inside.csv', 'text,label\na,b\nsay "x" now,c\n')
    const error = await errorOf(itemsOf(inside))
    expect(error.where).toBe(`${inside}:3`)
    expect(error.message).toContain('options.quoted')
    expect(await valuesOf(inside, { quoted: false })).toContainEqual({ text: 'say "x" now', label: 'c' })
  })

  test('bytes that are not UTF-8 are named by line and byte', async () => {
    const path = fileIn(folder, 'latin.csv', bytes('text\nabc\nd', 0xe9, 'f\n'))
    const error = await errorOf(itemsOf(path))
    expect(error.where).toBe(`${path}:3`)
    expect(error.message).toContain('0xE9 at offset 10')
  })

  test('a column of numbers is known only at its end; in a pipe by its beginning', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `text ${index},${index}`)
    const names = fileIn(folder, 'names.csv', ['text,label', ...many, 'last,none'].join('\n'))
    const numbers = fileIn(folder, 'numbers.csv', ['text,label', ...many, 'last,'].join('\n'))
    expect((await valuesOf(names, { numeric: ['label'] }))[1]).toEqual({ text: 'text 1', label: '1' })
    const read = await valuesOf(numbers, { numeric: ['label'] })
    expect([read[1], read[5000]]).toEqual([
      { text: 'text 1', label: 1 },
      { text: 'last', label: '' },
    ])
    const open = inPieces(Buffer.from(['text,label', ...many, 'last,none'].join('\n')), 1000)
    const piped = await itemsOf({ path: 'a.csv', open }, { numeric: ['label'] })
    expect(piped[1]).toHaveProperty('value', { text: 'text 1', label: 1 })
    expect(piped[5000]).toMatchObject({ origin: 'a.csv:5002', code: 'invalid-dataset' })
    const all = await itemsOf(
      { path: 'b.csv', open: inPieces(Buffer.from('text,label\na,x\n'), 1000) },
      { numeric: ['label'] },
    )
    expect(all).toMatchObject([{ value: { label: 'x' } }])
  })
})

describe('files', () => {
  test('none, empty ones, directories', async () => {
    const missing = join(folder, 'missing.jsonl')
    expect(await errorOf(itemsOf(missing))).toMatchObject({ code: 'file-not-found', where: missing })
    for (const name of ['empty.jsonl', 'empty.json', 'empty.csv', 'empty.txt', 'empty']) {
      expect(await itemsOf(fileIn(folder, name, ''))).toEqual([])
      expect(await errorOf(loadDataset(join(folder, name)))).toMatchObject({ code: 'empty-dataset' })
    }
    const directory = join(folder, 'directory.jsonl')
    await mkdir(directory)
    expect(await errorOf(itemsOf(directory))).toMatchObject({ code: 'invalid-file', where: directory })
    const empty = fileIn(folder, 'empty.parquet', '')
    expect(await errorOf(itemsOf(empty))).toMatchObject({ code: 'invalid-file', where: empty })
  })

  test('a name that says nothing: what is inside decides, or the option must', async () => {
    expect(await valuesOf(fileIn(folder, 'rows', '{"a": 1}\n{"a": 2}'))).toEqual([{ a: 1 }, { a: 2 }])
    expect(await valuesOf(fileIn(folder, 'rows.data', ' [{"a": 1}]'))).toEqual([{ a: 1 }])
    const plain = fileIn(folder, 'plain.data', 'text,label\n')
    const error = await errorOf(itemsOf(plain))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: plain })
    expect(error.message).toContain('options.format')
  })

  test.skipIf(process.platform === 'win32')('a named pipe', async () => {
    const pipe = join(folder, 'pipe.jsonl')
    execFileSync('mkfifo', [pipe])
    const rows = Array.from({ length: 3000 }, (_, index) => ({ text: `row ${index}` }))
    const reading = loadDataset(pipe)
    const writer = createWriteStream(pipe)
    for (const row of rows) writer.write(`${JSON.stringify(row)}\n`)
    writer.end()
    expect((await reading).rows).toEqual(rows)
  })

  test('text by lines, paragraphs or as a whole', async () => {
    const path = fileIn(folder, 'poem.txt', '\uFEFFone\r\ntwo\r\n\r\n \r\nthree\n')
    expect(await itemsOf(path)).toEqual([
      { origin: `${path}:1`, value: { text: 'one' } },
      { origin: `${path}:2`, value: { text: 'two' } },
      { origin: `${path}:5`, value: { text: 'three' } },
    ])
    expect(await itemsOf(path, { textRows: 'paragraph' })).toEqual([
      { origin: `${path}:1`, value: { text: 'one\ntwo' } },
      { origin: `${path}:5`, value: { text: 'three' } },
    ])
    expect(await valuesOf(path, { textRows: 'file' })).toEqual([{ text: 'one\r\ntwo\r\n\r\n \r\nthree\n' }])
    for (const textRows of ['paragraph', 'file'] as const) {
      const [item] = await itemsOf(path, { textRows, maxRowBytes: 6 })
      expect(item).toMatchObject({ code: 'invalid-dataset', what: expect.stringContaining('maxRowBytes') as string })
    }
  })
})
