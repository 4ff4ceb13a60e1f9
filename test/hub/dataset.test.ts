import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { loadDataset, loadDatasetSplits } from '../../lib/data/load-dataset.js'
import { resolveFiles } from '../../lib/data/sources/resolve-files.js'
import { inspectData } from '../../lib/inspect/inspect-data.js'
import { temporaryDirectory } from '../models/fixture-models.js'
import { hubOfTest, treeOf } from './hub-of-test.js'
import { firstCommit, secondCommit, type StandInRepository } from './stand-in-hub.js'

type Files = Record<string, string | Buffer>

function dataset(id: string, files: Files): StandInRepository {
  return { kind: 'dataset', id, refs: { main: firstCommit }, commits: { [firstCommit]: files } }
}

function rows(...texts: string[]): string {
  return texts.map((text) => `${JSON.stringify({ text })}\n`).join('')
}

function card(...lines: string[]): string {
  return ['---', 'license: mit', ...lines, '---', '# A dataset', ''].join('\n')
}

const fetched = (cache: string, name: string): string[] =>
  Object.keys(treeOf(join(cache, `datasets--org--${name}`, 'snapshots', firstCommit)))

const textsOf = (loaded: { readonly rows: readonly object[] }): unknown[] =>
  loaded.rows.map((row) => (row as { text: unknown }).text)

const plain: Files = {
  'README.md': '# no header',
  'data/train-00000-of-00002.jsonl': rows('a', 'b'),
  'data/train-00001-of-00002.jsonl': rows('c'),
  'data/dev.jsonl': rows('d'),
  'images/cat.png': 'x',
}

const configured: Files = {
  'README.md': card(
    'configs:',
    '- config_name: en',
    '  data_files:',
    '  - split: train',
    '    path: en/part-*.jsonl',
    '  - split: dev',
    '    path: [en/held.jsonl]',
    '- config_name: de',
    '  data_dir: german',
    '  data_files: "all.jsonl"',
  ),
  'en/part-1.jsonl': rows('a'),
  'en/part-10.jsonl': rows('c'),
  'en/part-2.jsonl': rows('b'),
  'en/held.jsonl': rows('d'),
  'german/all.jsonl': rows('e'),
}

describe('a dataset by its id', () => {
  test('is its training split, of which alone the files come', async () => {
    const { hub, cache } = await hubOfTest(dataset('org/plain', plain))
    const loaded = await loadDataset('org/plain')
    expect(textsOf(loaded)).toEqual(['a', 'b', 'c'])
    expect(loaded.origins[2]).toBe('hf://datasets/org/plain/data/train-00001-of-00002.jsonl:1')
    expect(fetched(cache, 'plain')).toEqual([
      'README.md',
      'data/train-00000-of-00002.jsonl',
      'data/train-00001-of-00002.jsonl',
    ])
    hub.requests.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(textsOf(await loadDataset('hf://datasets/org/plain'))).toEqual(['a', 'b', 'c'])
    await expect(loadDataset('org/plain', { split: 'validation' })).rejects.toMatchObject({ code: 'not-cached' })
    expect(hub.requests).toEqual([])
  })

  test('has its other splits by name, and all at once', async () => {
    const { cache } = await hubOfTest(dataset('org/plain', plain))
    expect(textsOf(await loadDataset('org/plain', { split: 'validation' }))).toEqual(['d'])
    expect(fetched(cache, 'plain')).toEqual(['README.md', 'data/dev.jsonl'])
    await expect(loadDataset('org/plain', { split: 'test' })).rejects.toMatchObject({
      code: 'file-not-found',
      message: "hf://datasets/org/plain has no split 'test': there are train, validation",
    })
    const { train, validation, test: none } = await loadDatasetSplits('org/plain')
    expect([train?.length, validation?.length, none]).toEqual([3, 1, undefined])
  })

  test('has the configurations and splits that its README names', async () => {
    const { cache } = await hubOfTest(dataset('org/two', configured))
    await expect(loadDataset('org/two')).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.config',
      message: expect.stringContaining('several configurations: choose one with options.config') as string,
    })
    await expect(loadDataset('org/two', { config: 'fr' })).rejects.toThrow("no configuration 'fr'; it has 'en', 'de'")
    expect(textsOf(await loadDataset('org/two', { config: 'de' }))).toEqual(['e'])
    expect(fetched(cache, 'two')).toEqual(['README.md', 'german/all.jsonl'])
    expect(textsOf(await loadDataset('org/two', { config: 'en' }))).toEqual(['a', 'b', 'c'])
    expect(textsOf(await loadDataset('org/two', { config: 'en', split: 'dev' }))).toEqual(['d'])
    const { train, validation } = await loadDatasetSplits('org/two', { config: 'en' })
    expect([train?.length, validation?.length]).toEqual([3, 1])
  })

  test('whose splits have names of their own has them by these', async () => {
    const readme = (...names: string[]): string =>
      card('configs:', '- data_files:', ...names.flatMap((name) => [`  - split: ${name}`, `    path: ${name}.jsonl`]))
    const several = {
      'README.md': readme('train_sft', 'train_gen'),
      'train_sft.jsonl': rows('a'),
      'train_gen.jsonl': rows('b'),
    }
    await hubOfTest(
      dataset('org/several', several),
      dataset('org/whole', { 'README.md': readme('everything'), 'everything.jsonl': rows('c') }),
    )
    expect(textsOf(await loadDataset('org/several', { split: 'train_gen' }))).toEqual(['b'])
    await expect(loadDataset('org/several')).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining("choose one of 'train_sft', 'train_gen'") as string,
    })
    expect(textsOf(await loadDataset('org/whole'))).toEqual(['c'])
  })

  test('may be of a revision, or some files of it', async () => {
    const { hub } = await hubOfTest({
      ...dataset('org/name', { 'rows.jsonl': rows('old') }),
      refs: { main: secondCommit, v1: firstCommit },
      commits: {
        [firstCommit]: { 'rows.jsonl': rows('old') },
        [secondCommit]: { 'a/rows.jsonl': rows('new'), 'b/rows.jsonl': rows('other') },
      },
    })
    const old = await loadDataset('org/name@v1')
    expect(textsOf(old)).toEqual(['old'])
    expect(old.origins).toEqual(['hf://datasets/org/name@v1/rows.jsonl:1'])
    expect(textsOf(await loadDataset('org/name', { revision: 'v1' }))).toEqual(['old'])
    expect(textsOf(await loadDataset(['hf://datasets/org/name/a/*.jsonl', 'org/name@v1']))).toEqual(['new', 'old'])
    expect(textsOf(await loadDataset('hf://datasets/org/name@v1/rows.jsonl'))).toEqual(['old'])
    expect(hub.downloads.some(({ path }) => path.includes('/b/'))).toBe(false)
    await expect(loadDataset('hf://datasets/org/name/c*')).rejects.toMatchObject({ code: 'file-not-found' })
  })

  test('gives way to what is here under that name', async () => {
    const { hub } = await hubOfTest(dataset('org/plain', plain))
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'org/plain'), { recursive: true })
    writeFileSync(join(directory, 'org/plain/rows.jsonl'), rows('here'))
    const before = process.cwd()
    process.chdir(directory)
    onTestFinished(() => process.chdir(before))
    expect(textsOf(await loadDataset('org/plain'))).toEqual(['here'])
    await expect(loadDataset('org/plain', { revision: 'v1' })).rejects.toMatchObject({
      code: 'invalid-option',
      where: 'options.revision',
    })
    expect(hub.requests).toEqual([])
    expect(textsOf(await loadDataset('hf://datasets/org/plain'))).toEqual(['a', 'b', 'c'])
  })

  test('names the rows that are wrong, also to whoever inspects it', async () => {
    await hubOfTest(dataset('org/bad', { 'train.jsonl': `${rows('a')}{"text"\n` }))
    const where = 'hf://datasets/org/bad/train.jsonl:2'
    await expect(loadDataset('org/bad')).rejects.toMatchObject({ code: 'invalid-json', where })
    const report = await inspectData('org/bad')
    expect(report.findings.flatMap((finding) => finding.where)).toContainEqual(
      expect.objectContaining({ origin: where }),
    )
  })
})

test.each([
  ['a loading script only', { 'odd.py': 'x', 'README.md': '' }, /only a loading script \(odd\.py\).*runs no code/],
  ['files that nobody reads', { 'a.arrow': 'x', 'README.md': '' }, /its files \(a\.arrow\) are of no format/],
  ['nothing', { '.gitattributes': '' }, /it has no files of data/],
  ['a header that names other files', { 'README.md': card('configs:', '- data_files: none.csv') }, /names none\.csv/],
  ['a header that is broken', { 'README.md': card('configs: [') }, /README\.md: cannot read the header/],
  ['files of two formats', { 'a.csv': 'text\nx', 'b.jsonl': rows('b') }, /several formats \(a\.csv, b\.jsonl\)/],
])('a dataset of %s is refused by name', async (_, files, message) => {
  const { hub } = await hubOfTest(dataset('org/odd', files))
  await expect(loadDataset('org/odd')).rejects.toMatchObject({
    name: 'AttuneError',
    message: expect.stringMatching(message) as string,
  })
  await expect(loadDataset('org/odd')).rejects.toThrow('hf://datasets/org/odd')
  expect(hub.downloads.every(({ path }) => path.endsWith('README.md'))).toBe(true)
})

test.each([
  ['./nope', 'does not exist'],
  ['/tmp/attune-nope', 'does not exist'],
  ['nope/deeper/x', 'does not exist'],
  ['data/rows.jsonl', 'does not exist'],
  ['nope', 'name its owner too: org/nope'],
  ['hf://datasets/-', 'is no address of a dataset'],
])('%s is missing at once, and nobody is asked', async (path, words) => {
  const { hub } = await hubOfTest()
  const wanted = { code: 'file-not-found', where: path, message: expect.stringContaining(words) as string }
  await expect(loadDataset(path)).rejects.toMatchObject(wanted)
  await expect(loadDatasetSplits(path)).rejects.toMatchObject(wanted)
  await expect(resolveFiles(path)).rejects.not.toThrow(/ENOENT/)
  expect(hub.requests).toEqual([])
})

test('what could be an id and is not there says that it is no path either', async () => {
  await hubOfTest()
  await expect(loadDataset('nope/x')).rejects.toMatchObject({
    code: 'repository-not-found',
    message: expect.stringMatching(/neither a file or directory 'nope\/x' here nor a dataset/) as string,
  })
  await expect(loadDataset('hf://models/org/name')).rejects.toMatchObject({ code: 'invalid-option' })
})
