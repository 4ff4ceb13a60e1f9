import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Dataset } from '../../lib/data/dataset.js'
import { loadDataset } from '../../lib/data/load-dataset.js'
import type { DatasetRow } from '../../lib/data/rows.js'
import { errorOf } from './sources/source-files.js'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-data-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function fileWith(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${count++}.jsonl`)
  await writeFile(path, content)
  return path
}

const texts = (length: number): Dataset => Dataset.from(Array.from({ length }, (_, index) => ({ text: `t${index}` })))
const textOf = (row: DatasetRow): string => ('text' in row ? row.text : '')

describe('loadDataset', () => {
  test('prompt and completion; other fields are left out', async () => {
    const path = await fileWith('{"id": 1, "prompt": "a", "completion": "b"}\n{"completion": "", "prompt": "ü\\n"}')
    const dataset = await loadDataset(path)
    expect(dataset.shape).toBe('prompt-completion')
    expect(dataset.rows).toEqual([
      { prompt: 'a', completion: 'b' },
      { prompt: 'ü\n', completion: '' },
    ])
    expect(dataset.origins).toEqual([`${path}:1`, `${path}:2`])
  })

  test('messages win over a prompt or text beside them; all keys of a message stay', async () => {
    const call = { id: 'x', type: 'function', function: { name: 'add', arguments: { a: 1 } } }
    const messages = [
      { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', content: '2', tool_call_id: 'x', name: 'add' },
    ]
    const path = await fileWith(JSON.stringify({ text: 't', prompt: 'p', messages, tools: [{ name: 'add' }] }))
    expect((await loadDataset(path)).rows).toEqual([{ messages, tools: [{ name: 'add' }] }])
  })

  test('byte order mark, CRLF, blank lines and a missing newline at the end', async () => {
    const path = await fileWith('\uFEFF{"text": "a"}\r\n\r\n   \n{"text": "b\u2028c"}\r\n\n{"text": "d"}')
    const dataset = await loadDataset(path)
    expect(dataset.rows).toEqual([{ text: 'a' }, { text: 'b\u2028c' }, { text: 'd' }])
    expect(dataset.origins).toEqual([1, 4, 6].map((line) => `${path}:${line}`))
  })

  test('several files, in the order given', async () => {
    const [first, second] = [await fileWith('{"text": "a"}\n'), await fileWith('{"text": "b"}\n')]
    const dataset = await loadDataset([second, first])
    expect([...dataset].map(textOf)).toEqual(['b', 'a'])
    expect(dataset.origins).toEqual([`${second}:1`, `${first}:1`])
  })

  test('a shape that is asked for', async () => {
    const path = await fileWith('{"messages": [{"role": "user", "content": "x"}], "text": "t"}')
    expect((await loadDataset(path, { shape: 'text' })).rows).toEqual([{ text: 't' }])
    const refused = await errorOf(loadDataset(path, { shape: 'prompt-completion' }))
    expect(refused).toMatchObject({ code: 'invalid-dataset', where: `${path}:1` })
  })

  test('no file, a folder, no rows', async () => {
    const missing = join(folder, 'missing.jsonl')
    expect(await errorOf(loadDataset(missing))).toMatchObject({ code: 'file-not-found', where: missing })
    const hollow = await mkdtemp(join(folder, 'hollow-'))
    expect(await errorOf(loadDataset(hollow))).toMatchObject({ code: 'invalid-file', where: hollow })
    const empty = await fileWith('')
    const blank = await fileWith('\n \r\n')
    const full = await fileWith('{"text": "a"}')
    expect(await errorOf(loadDataset(empty))).toMatchObject({ code: 'empty-dataset', where: empty })
    expect(await errorOf(loadDataset([full, blank]))).toMatchObject({ code: 'empty-dataset', where: blank })
    expect(await errorOf(loadDataset([]))).toMatchObject({ code: 'empty-dataset' })
  })

  test('bad JSON is named by file and line', async () => {
    const path = await fileWith('{"text": "a"}\n\n{"text": "b"\n')
    const error = await errorOf(loadDataset(path))
    expect(error).toMatchObject({ code: 'invalid-json', where: `${path}:3` })
    expect(error.message).toContain(`${path}:3`)
    const list = await errorOf(loadDataset(await fileWith('[\n{"text": "a"}\n]')))
    expect(list.message).toContain('one JSON object a line')
  })

  test.each([
    ['{"prompt": "a", "answer": "b"}', ['prompt and completion', 'messages', 'prompt, answer', "completion: 'answer'"]],
    ['{"prompt": "a", "completion": 5}', ['completion', 'string', 'number']],
    ['{"prompt": "a", "completion": null}', ['completion (null)']],
    ['{"text": ["a"]}', ['text', 'string', 'a list']],
    ['{"messages": []}', ['messages is empty']],
    ['{"messages": "hi"}', ['messages', 'array', 'string']],
    ['{"messages": [{"role": "user", "content": "x"}, {"content": "y"}]}', ['messages[1].role', 'string', 'nothing']],
    ['{"messages": [{"role": "user", "content": 7}]}', ['messages[0].content', 'number']],
    ['{"messages": [{"role": "assistant"}]}', ['messages[0]', 'neither content nor tool_calls']],
    ['"text"', ['an object', 'a string']],
    ['{}', ['without fields']],
  ])('%s is refused', async (line, parts) => {
    const path = await fileWith(`${line}\n`)
    const error = await errorOf(loadDataset(path))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: `${path}:1` })
    for (const part of [`${path}:1`, ...parts]) expect(error.message).toContain(part)
  })

  test('mixed shapes are refused, naming the line and the one that decided', async () => {
    const path = await fileWith('{"text": "a"}\n{"text": "b"}\n{"prompt": "p", "completion": "c"}\n')
    const error = await errorOf(loadDataset(path))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: `${path}:3` })
    expect(error.message).toContain(`as in ${path}:1`)
  })

  test('bytes that are no UTF-8, and UTF-16', async () => {
    const path = await fileWith(
      Buffer.concat([Buffer.from('{"text": "a"}\n{"text": "'), Buffer.from([0xe9, 0x22, 0x7d])]),
    )
    const error = await errorOf(loadDataset(path))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: `${path}:2` })
    expect(error.message).toContain('UTF-8')
    const wide = await fileWith(Buffer.from('\uFEFF{"text": "a"}', 'utf16le'))
    expect((await errorOf(loadDataset(wide))).message).toContain('UTF-16')
  })

  test('one error names ten bad lines of each kind and counts the rest', async () => {
    const path = await fileWith(
      Array.from({ length: 30 }, (_, line) => (line % 2 === 0 ? '{"x": 1}' : '{"text": "a"}')).join('\n'),
    )
    const { message } = await errorOf(loadDataset(path))
    for (const place of [':1: received fields x', ':3, ', ':19, ', ':21 and 4 more rows: received fields x']) {
      expect(message).toContain(`${path}${place}`)
    }
    expect(message).not.toContain(`${path}:23`)
    expect(message).toContain('15 rows')
  })
})

describe('Dataset', () => {
  test('from rows in memory, checked like a file', () => {
    const dataset = Dataset.from([{ prompt: 'a', completion: 'b' }])
    expect(dataset.length).toBe(1)
    expect(dataset.origins).toEqual(['row 0'])
    expect(() => Dataset.from([])).toThrow(expect.objectContaining({ code: 'empty-dataset' }) as Error)
    expect(() => Dataset.from([{ text: 'a' }, { prompt: 'b', completion: 'c' }])).toThrow(
      expect.objectContaining({ code: 'invalid-dataset', where: 'row 1' }) as Error,
    )
  })

  test('split: disjoint, complete, in order, the same for a seed and another for another', () => {
    const dataset = texts(103)
    const { train, validation, test: held } = dataset.split({ validation: 0.1, test: 5, seed: 7 })
    expect([train.length, validation.length, held.length]).toEqual([88, 10, 5])
    const all = [train, validation, held].flatMap((part) => part.rows.map(textOf))
    expect(new Set(all).size).toBe(103)
    for (const part of [train, validation, held]) {
      const indices = part.rows.map((row) => Number(textOf(row).slice(1)))
      expect(indices).toEqual([...indices].sort((a, b) => a - b))
      expect(part.origins).toEqual(indices.map((index) => `row ${index}`))
    }
    expect(dataset.split({ validation: 0.1, test: 5, seed: 7 }).validation.rows).toEqual(validation.rows)
    expect(dataset.split({ validation: 0.1, seed: 8 }).validation.rows).not.toEqual(validation.rows)
  })

  test('split: at least one row for a part, none where none was asked for, some left to train', () => {
    const { train, validation, test: held } = texts(3).split({ validation: 0.01 })
    expect([train.length, validation.length, held.length]).toEqual([2, 1, 0])
    expect(held.shape).toBeUndefined()
    expect(() => texts(1).split({ validation: 0.5 })).toThrow(
      expect.objectContaining({ code: 'invalid-option', where: 'options.validation' }) as Error,
    )
    for (const wrong of [-0.1, 1.5, NaN]) {
      expect(() => texts(10).split({ test: wrong })).toThrow(
        expect.objectContaining({ code: 'invalid-option', where: 'options.test' }) as Error,
      )
    }
  })

  test('shuffle keeps rows and origins together', () => {
    const dataset = texts(50)
    const shuffled = dataset.shuffle(3)
    expect(shuffled.rows).toEqual(dataset.shuffle(3).rows)
    expect(shuffled.rows).not.toEqual(dataset.shuffle(4).rows)
    expect(shuffled.rows).not.toEqual(dataset.rows)
    expect(shuffled.rows.map((row) => `row ${textOf(row).slice(1)}`)).toEqual(shuffled.origins)
    expect(new Set(shuffled.origins).size).toBe(50)
  })

  test('map, filter and slice keep origins', () => {
    const dataset = texts(6)
    expect(dataset.slice(1, -3).rows).toEqual([{ text: 't1' }, { text: 't2' }])
    const even = dataset.filter((_, index) => index % 2 === 0)
    expect(even.origins).toEqual(['row 0', 'row 2', 'row 4'])
    const mapped = even.map((row, index) => ({ prompt: textOf(row), completion: String(index) }))
    expect(mapped.shape).toBe('prompt-completion')
    expect(mapped.rows[2]).toEqual({ prompt: 't4', completion: '2' })
    expect(mapped.origins).toEqual(even.origins)
    expect(dataset.filter(() => false).shape).toBeUndefined()
    expect(() => dataset.map((row, index) => (index === 3 ? { prompt: 'x', completion: 'y' } : row))).toThrow(
      expect.objectContaining({ code: 'invalid-dataset', where: 'row 3' }) as Error,
    )
  })
})
