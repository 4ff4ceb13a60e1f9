import fc from 'fast-check'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RandomStream } from '../../lib/data/random.js'
import type { RowProblem } from '../../lib/errors.js'
import { streamDataset, type RowStream } from '../../lib/data/row-stream.js'
import { shuffled } from '../../lib/data/shuffle-buffer.js'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-streams-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function file(name: string, lines: readonly string[]): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, lines.join('\n'))
  return path
}

async function all(stream: RowStream, onSkipped?: (bad: RowProblem) => void) {
  const rows = []
  for await (const chunk of stream.pass(onSkipped)) rows.push(...chunk)
  return rows
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => JSON.stringify({ text: `row ${i}` }))

describe('a stream of rows', () => {
  it('reads files in their order, as often as one likes', async () => {
    const paths = [await file('a.jsonl', texts(3)), await file('b.csv', ['text', 'x', 'y'])]
    const stream = streamDataset(paths)
    const rows = await all(stream)
    expect(rows.map(({ row }) => row)).toEqual(['row 0', 'row 1', 'row 2', 'x', 'y'].map((text) => ({ text })))
    expect(rows.map(({ origin }) => origin)).toEqual([
      ...[1, 2, 3].map((line) => `${paths[0]}:${line}`),
      ...[2, 3].map((line) => `${paths[1]}:${line}`),
    ])
    expect(await all(stream)).toEqual(rows)
    expect(stream.shape).toBe('text')
    const plain = []
    for await (const row of stream) plain.push(row)
    expect(plain).toEqual(rows.map(({ row }) => row))
  })

  it('takes rows of a program: lists and functions again and again, a generator once', async () => {
    async function* rows() {
      for (let i = 0; i < 100; i++) yield await Promise.resolve({ text: `row ${i}` })
    }
    const made = streamDataset(rows)
    expect(await all(made)).toHaveLength(100)
    expect((await all(made)).at(-1)).toEqual({ row: { text: 'row 99' }, origin: 'row 99' })
    const listed = streamDataset([{ text: 'a' }, { text: 'b' }])
    expect(await all(listed)).toEqual(await all(listed))
    const once = streamDataset(rows())
    expect(await all(once)).toHaveLength(100)
    await expect(all(once)).rejects.toThrow('gone over once')
  })

  it('gives the good rows before a bad one, then its file and line', async () => {
    const path = await file('bad.jsonl', [...texts(2), '{"text": 3}', '{"text":', ...texts(1)])
    const seen: string[] = []
    const reading = (async () => {
      for await (const rows of streamDataset(path).pass()) seen.push(...rows.map(({ origin }) => origin))
    })()
    await expect(reading).rejects.toMatchObject({ code: 'invalid-dataset', where: `${path}:3` })
    await expect(reading).rejects.toThrow(`${path}:4`)
    expect(seen).toEqual([`${path}:1`, `${path}:2`])
  })

  it('leaves bad rows out where asked, and names each', async () => {
    const path = await file('skip.jsonl', [...texts(2), '{"text": 3}', '{"text":', ...texts(1)])
    const skipped: string[] = []
    const rows = await all(streamDataset(path, { onBadRow: 'skip' }), ({ origin }) => skipped.push(origin))
    expect(rows).toHaveLength(3)
    expect(skipped).toEqual([`${path}:3`, `${path}:4`])
  })

  it('checks that rows are alike, as a dataset does', async () => {
    const path = await file('mixed.jsonl', [...texts(1), '{"source": "a", "target": "b"}'])
    await expect(all(streamDataset(path))).rejects.toMatchObject({ code: 'invalid-dataset', where: `${path}:2` })
  })

  it.each([
    ['empty.jsonl', [], {}],
    ['none.jsonl', ['{"text": 3}'], { onBadRow: 'skip' }],
  ] as const)('says when there is nothing: %s', async (name, lines, options) => {
    await expect(all(streamDataset(await file(name, lines), options))).rejects.toMatchObject({ code: 'empty-dataset' })
  })

  it('refuses what is no source', async () => {
    await expect(all(streamDataset(join(directory, 'missing.jsonl')))).rejects.toMatchObject({ code: 'file-not-found' })
    for (const source of [[], 3, undefined]) {
      expect(() => streamDataset(source as never)).toThrow(expect.objectContaining({ where: 'source' }) as Error)
    }
    expect(() => streamDataset('a', { onBadRow: 'warn' as never })).toThrow('onBadRow')
  })
})

describe('the shuffle buffer', () => {
  async function drawn(rows: number, buffer: number, chunk: number, seed = 1): Promise<number[][]> {
    async function* source() {
      for (let start = 0; start < rows; start += chunk) {
        yield await Promise.resolve(Array.from({ length: Math.min(chunk, rows - start) }, (_, i) => start + i))
      }
    }
    const result = []
    const random = new RandomStream('test', seed)
    for await (const some of shuffled(source(), { buffer, random, chunkRows: 8 })) result.push([...some])
    return result
  }

  it('gives every row once, in an order that the chunks it comes in do not change', async () => {
    const sizes = fc.record({ rows: fc.nat(200), buffer: fc.nat(60), chunk: fc.integer({ min: 1, max: 70 }) })
    await fc.assert(
      fc.asyncProperty(sizes, async ({ rows, buffer, chunk }) => {
        const order = (await drawn(rows, buffer, chunk)).flat()
        const sorted = [...order].sort((a, b) => a - b)
        expect(sorted).toEqual(Array.from({ length: rows }, (_, i) => i))
        expect(await drawn(rows, buffer, 7)).toEqual(await drawn(rows, buffer, chunk))
        // No row comes earlier than the buffer lets it.
        order.forEach((row, at) => expect(row).toBeLessThanOrEqual(at + buffer))
      }),
    )
  })

  it('keeps the order where there is no buffer, and mixes with one', async () => {
    const inOrder = Array.from({ length: 100 }, (_, i) => i)
    expect((await drawn(100, 0, 9)).flat()).toEqual(inOrder)
    expect((await drawn(100, 50, 9)).flat()).not.toEqual(inOrder)
    expect(await drawn(100, 50, 9, 2)).not.toEqual(await drawn(100, 50, 9, 1))
  })

  it('gives what was drawn before an error', async () => {
    async function* failing() {
      yield [1, 2, 3]
      await Promise.reject(new Error('no more'))
    }
    const seen: number[] = []
    const reading = (async () => {
      const random = new RandomStream('test', 1)
      for await (const rows of shuffled(failing(), { buffer: 0, random, chunkRows: 8 })) seen.push(...rows)
    })()
    await expect(reading).rejects.toThrow('no more')
    expect(seen).toEqual([1, 2, 3])
  })
})
