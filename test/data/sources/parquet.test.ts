import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { expect, test } from 'vitest'

import { loadDataset } from '../../../lib/data/load-dataset.js'
import { errorOf, fileIn, itemsOf, temporaryFolder, valuesOf } from './source-files.js'

const folder = temporaryFolder()

function parquet(name: string, texts: readonly string[], labels: readonly number[], more: object = {}): string {
  const columnData = [
    { name: 'text', data: [...texts], type: 'STRING' as const },
    { name: 'label', data: labels.map(BigInt), type: 'INT64' as const },
  ]
  return fileIn(folder, name, new Uint8Array(parquetWriteBuffer({ columnData, ...more })))
}

const texts = Array.from({ length: 250 }, (_, index) => `text ${index} é`)
const labels = texts.map((_, index) => index % 3)

test('rows of several row groups, with whole numbers as numbers', async () => {
  const path = parquet('rows.parquet', texts, labels, { rowGroupSize: 100 })
  const items = await itemsOf(path)
  expect(items.map(({ origin }) => origin)).toEqual(texts.map((_, index) => `${path} row ${index}`))
  expect(await valuesOf(path)).toEqual(texts.map((text, index) => ({ text, label: labels[index] })))
  const dataset = await loadDataset(path)
  expect(dataset.shape).toBe('text-label')
  expect(dataset.rows[4]).toEqual({ text: 'text 4 é', label: 1 })
  // The name does not matter.
  expect(await valuesOf(fileIn(folder, 'rows.jsonl', readFileSync(path)))).toHaveLength(250)
})

test('lists, missing values, times and large numbers as JSON has them', async () => {
  const columnData = [
    { name: 'tokens', data: [['a', 'b'], [], null], type: 'JSON' as const },
    { name: 'score', data: [0.5, null, 2], type: 'DOUBLE' as const, nullable: true },
    { name: 'at', data: [0, 1, 2].map((day) => new Date(day * 86_400_000)), type: 'TIMESTAMP' as const },
    { name: 'id', data: [1n, 2n ** 60n, -3n], type: 'INT64' as const },
  ]
  const path = fileIn(folder, 'kinds.parquet', new Uint8Array(parquetWriteBuffer({ columnData })))
  expect(await valuesOf(path)).toEqual([
    { tokens: ['a', 'b'], score: 0.5, at: '1970-01-01T00:00:00.000Z', id: 1 },
    { tokens: [], score: null, at: '1970-01-02T00:00:00.000Z', id: String(2n ** 60n) },
    { tokens: null, score: 2, at: '1970-01-03T00:00:00.000Z', id: -3 },
  ])
})

test('any texts come back', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      async (some, rowGroupSize) => {
        const path = parquet(
          'any.parquet',
          some,
          some.map(() => 0),
          { rowGroupSize },
        )
        expect(await valuesOf(path)).toEqual(some.map((text) => ({ text, label: 0 })))
      },
    ),
    { numRuns: 50 },
  ))

test('cut short, anywhere', async () => {
  const whole = readFileSync(parquet('whole.parquet', texts, labels))
  for (const length of [5, 11, whole.length / 2, whole.length - 3, whole.length - 1]) {
    const path = fileIn(folder, 'short.parquet', whole.subarray(0, length))
    const error = await errorOf(itemsOf(path))
    expect(error).toMatchObject({ code: 'invalid-file', where: path })
    expect(error.message).toContain('cut short')
  }
})

test('broken within: the rows that cannot be read are named', async () => {
  const bytes = Buffer.from(readFileSync(parquet('good.parquet', texts, labels, { rowGroupSize: 100 })))
  bytes.fill(0xff, 4, 60)
  const path = fileIn(folder, 'broken.parquet', bytes)
  const error = await errorOf(itemsOf(path))
  expect(error).toMatchObject({ code: 'invalid-file', where: path })
  expect(error.message).toContain('rows 0 to 99 (row group 0)')
})

test('a codec that nobody has', async () => {
  const same = (bytes: Uint8Array): Uint8Array => bytes
  const path = parquet('lzo.parquet', texts, labels, { codec: 'LZO', compressors: { LZO: same } })
  const error = await errorOf(itemsOf(path))
  expect(error).toMatchObject({ code: 'invalid-file', where: path })
  expect(error.message).toContain('column text in row group 0 is compressed by LZO')
})

test('one in a pipe or an archive must be unpacked first', async () => {
  const bytes = readFileSync(parquet('packed.parquet', texts, labels))
  const zipped = fileIn(folder, 'packed.parquet.gz', gzipSync(bytes))
  expect((await errorOf(itemsOf(zipped))).message).toContain('a file of its own')
})
