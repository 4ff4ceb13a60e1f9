import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../models/fixture-models.js'
import { hubOfTest, treeOf } from './hub-of-test.js'
import { firstCommit, sha256, type StandInRepository } from './stand-in-hub.js'
import { runAttune } from '../cli/run-attune.js'

const base = join(import.meta.dirname, '../../examples/models/attune-base')
const files = Object.fromEntries(readdirSync(base).map((name) => [name, readFileSync(join(base, name))]))

const model: StandInRepository = {
  kind: 'model',
  id: 'org/base',
  refs: { main: firstCommit, v1: firstCommit },
  commits: { [firstCommit]: files },
}

const rows = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `${JSON.stringify({ prompt: `say ${i} `, completion: 'it is well.' })}\n`,
  ).join('')

const dataset: StandInRepository = {
  kind: 'dataset',
  id: 'org/rows',
  refs: { main: firstCommit },
  commits: { [firstCommit]: { 'train.jsonl': rows(12), 'validation.jsonl': rows(3), 'test.jsonl': rows(2) } },
}

const attune = (...argv: string[]) => runAttune(argv)

test('trains and measures a model and a dataset by their ids, and says what it downloads', async () => {
  const { cache, hub } = await hubOfTest(model, dataset)
  const output = join(temporaryDirectory(), 'tuned')
  const from = ['--model', 'org/base', '--revision', 'v1']
  const options = ['--max-steps', '2', '--batch-size', '2', '--max-length', '32', '--lora', '--output', output]
  const trained = await attune('train', ...from, '--data', 'org/rows', ...options)
  expect(trained.err).toMatch(/^downloading org\/rows: /m)
  expect(trained.err).toMatch(/^downloaded org\/base: [\d.]+ [KM]iB, \d+ files?$/m)
  expect(trained.err).toContain('validation: the 3 rows of the validation split of org/rows')
  expect(trained.code).toBe(0)
  expect(readdirSync(output)).toContain('adapter_model.safetensors')
  const copies = Object.keys(treeOf(join(cache, 'datasets--org--rows/snapshots', firstCommit)))
  expect(copies).toEqual(['train.jsonl', 'validation.jsonl'])

  const measured = await attune('evaluate', ...from, '--adapter-from', output, '--data', 'hf://datasets/org/rows')
  expect(measured.err).toContain('data: the 2 rows of the test split')
  expect(measured.code).toBe(0)
  hub.requests.length = 0
  const inspected = await attune('inspect', 'org/rows', '--model', 'org/base', '--json')
  expect(inspected.code).toBe(0)
  expect(JSON.parse(inspected.out)).toMatchObject({ type: 'inspection', rows: 12 })
  expect(hub.downloads).toEqual([])
})

test.each([
  [['--model', './nope', '--data', 'org/rows'], /^error: \.\/nope does not exist, and it is no id/m],
  [['--model', 'org/base', '--data', '/tmp/attune-nope'], /^error: \/tmp\/attune-nope does not exist$/m],
  [['--model', 'org/base', '--data', 'nope/deeper/x'], /^error: nope\/deeper\/x does not exist$/m],
  [['--model', base, '--revision', 'v1', '--data', 'org/rows'], /is a path here, and has no revision/],
])('says what is wrong with %j', async (given, message) => {
  await hubOfTest(model, dataset)
  const { code, err } = await attune('plan', '--no-measure', ...given)
  expect(err).toMatch(message)
  expect(err).not.toContain('ENOENT')
  expect(code).toBeGreaterThan(0)
})

test('Ctrl-C ends a download with 130, and the next run goes on with what came', async () => {
  const { hub, cache } = await hubOfTest(model, dataset)
  const weights = files['model.safetensors']!
  hub.fault = ({ host }) => (host === 'storage' ? { stallAfter: 1000 } : undefined)
  const program = join(import.meta.dirname, '../../dist/cli/main.js')
  const child = spawn(process.execPath, [program, 'plan', '--no-measure', '--model', 'org/base', '--data', 'org/rows'])
  let err = ''
  child.stderr.on('data', (text) => (err += String(text)))
  const ended = new Promise<number | null>((done) => child.on('close', done))
  const blobs = join(cache, 'models--org--base/blobs')
  const partial = (): number[] =>
    Object.keys(treeOf(blobs))
      .filter((name) => name.startsWith(sha256(weights)))
      .map((name) => readFileSync(join(blobs, name)).length)
  await expect.poll(partial, { timeout: 20_000 }).toEqual([1000])
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(err).toContain('stopping')
  expect(err).toContain('code: aborted')
  expect(Object.keys(treeOf(cache)).filter((path) => /\.lock$|\.tmp$/.test(path))).toEqual([])
  expect(Object.keys(treeOf(join(cache, 'models--org--base/snapshots')))).not.toContain(
    `${firstCommit}/model.safetensors`,
  )
  hub.fault = () => undefined
  expect((await attune('plan', '--no-measure', '--model', 'org/base', '--data', 'org/rows')).code).toBe(0)
  expect(hub.requests.find(({ range }) => range !== undefined)?.range).toBe('bytes=1000-')
})
