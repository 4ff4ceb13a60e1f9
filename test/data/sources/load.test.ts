import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { loadDataset, loadDatasetSplits } from '../../../lib/data/load-dataset.js'
import { resolveFiles, resolveSplits } from '../../../lib/data/sources/resolve-files.js'
import { readTrainingRows, readingOptions, readTestRows } from '../../../lib/cli/reading-options.js'
import { settleOptions } from '../../../lib/options.js'
import { errorOf, fileIn, temporaryFolder } from './source-files.js'

const folder = temporaryFolder()

async function tree(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true })
    await writeFile(join(folder, name, path), content)
  }
  return join(folder, name)
}

const text = (...texts: string[]): string => texts.map((one) => `${JSON.stringify({ text: one })}\n`).join('')
const pathsOf = (files: readonly { readonly path: string }[]): string[] => files.map(({ path }) => path)

describe('paths, patterns and folders', () => {
  test('patterns in the order of their numbers, folders with all their data', async () => {
    const data = await tree('plain', {
      'part-10.jsonl': text('c'),
      'part-9.jsonl.gz': gzipSync(text('b')),
      'more/part-1.jsonl': text('a'),
      'README.md': '# read me',
      'notes.txt': 'about the data',
      '.hidden.jsonl': text('no'),
    })
    expect(pathsOf(await resolveFiles(`${data}/*.jsonl*`))).toEqual([
      `${data}/part-9.jsonl.gz`,
      `${data}/part-10.jsonl`,
    ])
    expect((await loadDataset(data)).rows).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    expect((await loadDataset([`${data}/part-1*.jsonl`, '-'].slice(0, 1))).length).toBe(1)
    expect(await resolveFiles('-')).toEqual([{ path: '-' }])
    const none = `${data}/*.csv`
    expect(await errorOf(resolveFiles(none))).toMatchObject({ code: 'file-not-found', where: none })
    const odd = fileIn(folder, 'odd[1].jsonl', text('x'))
    expect((await loadDataset(odd)).length).toBe(1)
  })

  test('folders with files of several formats are refused by name', async () => {
    const data = await tree('mixed', { 'a.jsonl': text('a'), 'b.csv': 'text\nb\n' })
    const error = await errorOf(loadDataset(data))
    expect(error).toMatchObject({ code: 'invalid-file', where: data })
    expect(error.message).toMatch(/a\.jsonl, b\.csv/)
  })

  test.each([
    ['names', { 'train.jsonl': text('a'), 'dev.jsonl': text('b'), 'test.jsonl': text('c') }],
    [
      'shards',
      {
        'data/train-00000-of-00001.jsonl': text('a'),
        'data/validation-0.jsonl': text('b'),
        'data/test-1.jsonl': text('c'),
      },
    ],
    ['folders', { 'train/x.jsonl': text('a'), 'valid/x.jsonl': text('b'), 'test/latest.jsonl': text('c') }],
    [
      'words',
      {
        'my_train_set.jsonl': text('a'),
        'my-val.jsonl': text('b'),
        'eval.jsonl': text('c'),
        'trainers.jsonl': text('d'),
      },
    ],
  ])('splits by %s', async (name, files) => {
    const data = await tree(name, files)
    const { train, validation, test: held } = await loadDatasetSplits(data)
    expect([train, validation, held].map((part) => part?.rows)).toEqual([
      [{ text: 'a' }],
      [{ text: 'b' }],
      [{ text: 'c' }],
    ])
    expect((await loadDataset(data)).rows).toEqual([{ text: 'a' }])
    expect((await loadDataset(data, { split: 'validation' })).rows).toEqual([{ text: 'b' }])
  })

  test('splits that are not there', async () => {
    const data = await tree('half', { 'train.jsonl': text('a') })
    expect(Object.keys((await resolveSplits(data)) ?? {})).toEqual(['train'])
    const error = await errorOf(loadDataset(data, { split: 'test' }))
    expect(error).toMatchObject({ code: 'file-not-found', where: data })
    expect(error.message).toContain('there are train')
    expect(await errorOf(loadDataset(data, { split: 'tset' as 'test' }))).toMatchObject({ where: 'options.split' })
    const plain = await tree('nothing', { 'a.jsonl': text('a') })
    expect(await errorOf(loadDatasetSplits(plain))).toMatchObject({ code: 'file-not-found', where: plain })
  })
})

describe('rows and columns that do not fit', () => {
  test("onBadRow 'skip' leaves out what cannot be used, and lists all of it", async () => {
    const bad = Array.from({ length: 15 }, () => '{"text": 7}\n{')
    const path = fileIn(folder, 'bad.jsonl', [text('a').trim(), ...bad, text('b')].join('\n'))
    expect((await errorOf(loadDataset(path))).message).toContain('30 rows cannot be used')
    const dataset = await loadDataset(path, { onBadRow: 'skip' })
    expect(dataset.rows).toEqual([{ text: 'a' }, { text: 'b' }])
    expect(dataset.skipped.map(({ origin }) => origin)).toEqual(
      Array.from({ length: 30 }, (_, index) => `${path}:${index + 2}`),
    )
    expect(dataset.skipped[1]?.what).toContain('not valid JSON')
    const none = fileIn(folder, 'none.jsonl', '{"text": 7}\n')
    expect(await errorOf(loadDataset(none, { onBadRow: 'skip' }))).toMatchObject({ where: `${none}:1` })
    const wrong = errorOf(loadDataset(path, { onBadRow: 'ignore' as 'skip' }))
    expect(await wrong).toMatchObject({ code: 'invalid-option', where: 'options.onBadRow' })
  })

  test('columns that the options name and a file lacks; files whose columns differ', async () => {
    const first = fileIn(folder, 'first.csv', 'text,category,id\na,x,1\n')
    const second = fileIn(folder, 'second.csv', 'text,category,date\nb,y,2024\n')
    const third = fileIn(folder, 'third.csv', 'text,label\nc,z\n')
    const error = await errorOf(loadDataset(first, { fields: { label: 'catgory' } }))
    expect(error).toMatchObject({ code: 'invalid-dataset', where: first })
    expect(error.message).toMatch(/'catgory'.*text, category, id\. Did you mean "category"\?/)
    const notes: string[] = []
    const fields = { label: 'category' }
    const both = await loadDataset([first, second], { fields, onNote: ({ message }) => notes.push(message) })
    expect(both.length).toBe(2)
    expect(notes).toEqual([`${second} has other columns than ${first}: it lacks id and has date besides`])
    const inconsistent = await errorOf(loadDataset([first, third], { fields }))
    expect(inconsistent).toMatchObject({ code: 'invalid-dataset', where: third })
  })
})

describe('on the command line', () => {
  const reading = settleOptions(readingOptions, {})
  let said = ''
  const terminal = { err: (message: string) => (said += message) }

  test('a folder with splits brings its own validation and test rows, and it is said', async () => {
    const data = await tree('sets', { 'train.jsonl': text('a'), 'dev.jsonl': text('b'), 'test.jsonl': text('c') })
    said = ''
    const { train, validation } = await readTrainingRows([data], undefined, { reading, seed: 0, terminal })
    expect(train.rows).toEqual([{ text: 'a' }])
    expect(validation).toHaveProperty('rows', [{ text: 'b' }])
    expect(said).toContain('validation split')
    said = ''
    expect((await readTestRows([data], reading, terminal)).rows).toEqual([{ text: 'c' }])
    expect(said).toContain('test split')
    const other = await readTrainingRows([data], [data], { reading, seed: 0, terminal })
    expect(other.validation).toHaveProperty('rows', [{ text: 'b' }])
    const plain = await readTrainingRows([join(data, 'test.jsonl')], undefined, { reading, seed: 0, terminal })
    expect(plain.validation).toBeUndefined()
  })

  test('rows that are skipped are counted and named', async () => {
    const path = fileIn(folder, 'some.jsonl', `${text('a')}{"x": 1}\n`)
    said = ''
    const skipping = { ...reading, onBadRow: 'skip' as const }
    await readTrainingRows([path], undefined, { reading: skipping, seed: 0, terminal })
    expect(said).toContain('1 rows that cannot be used are left out')
    expect(said).toContain(`${path}:2: `)
  })
})
