/** Several processes and one cache; they run the built library. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hubOfTest, treeOf, type HubOfTest } from './hub-of-test.js'
import { firstCommit, sha256 } from './stand-in-hub.js'

const weights = Buffer.from(Uint8Array.from({ length: 4 << 20 }, (_, i) => (i * 31) >> 4))
const locks = '.locks/models--org--name'

function start(): Promise<HubOfTest> {
  const commits = { [firstCommit]: { 'model.safetensors': weights } }
  return hubOfTest({ kind: 'model', id: 'org/name', refs: { main: firstCommit }, commits })
}

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
}

function run(): Run {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fetch-weights.mjs')])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
  return { child, ended: new Promise((done) => child.on('close', (code) => done({ code, output }))) }
}

function weightsIn(cache: string): Buffer {
  return readFileSync(join(cache, 'models--org--name/snapshots', firstCommit, 'model.safetensors'))
}

test('two at once fetch a file once', async () => {
  const { hub, cache } = await start()
  const ends = await Promise.all([run(), run(), run()].map(({ ended }) => ended))
  for (const end of ends) expect(end).toEqual({ code: 0, output: String(weights.length) })
  expect(hub.requests.filter(({ host }) => host === 'storage')).toHaveLength(1)
  expect(weightsIn(cache).equals(weights)).toBe(true)
  expect(Object.keys(treeOf(cache)).filter((path) => /incomplete|lock|tmp/.test(path))).toEqual([])
})

test('one that is killed leaves what another goes on with', async () => {
  const { hub, cache } = await start()
  hub.fault = ({ host }) => (host === 'storage' ? { stallAfter: 2_000_000 } : undefined)
  const first = run()
  const blobs = join(cache, 'models--org--name/blobs')
  const received = () => Object.keys(treeOf(blobs)).map((name) => readFileSync(join(blobs, name)).length)
  await expect.poll(received, { timeout: 20_000 }).toEqual([2_000_000])
  first.child.kill('SIGKILL')
  await first.ended
  expect(readdirSync(join(cache, locks))).toHaveLength(1)
  hub.fault = () => undefined
  expect(await run().ended).toEqual({ code: 0, output: String(weights.length) })
  expect(hub.requests.at(-1)?.range).toBe('bytes=2000000-')
  expect(weightsIn(cache).equals(weights)).toBe(true)
})

test('the lock of one on another machine that is silent is taken, but not what it left', async () => {
  const { hub, cache } = await start()
  mkdirSync(join(cache, locks), { recursive: true })
  mkdirSync(join(cache, 'models--org--name/blobs'), { recursive: true })
  const lock = join(cache, locks, `${sha256(weights)}.attune.lock`)
  writeFileSync(lock, JSON.stringify({ id: 'x', pid: process.pid, host: `not-${hostname()}` }))
  const partial = join(cache, 'models--org--name/blobs', `${sha256(weights)}.attune-11111111.incomplete`)
  writeFileSync(partial, weights.subarray(0, 1000))
  const waiting = run()
  await new Promise((done) => setTimeout(done, 2000))
  expect(hub.requests.filter(({ host }) => host === 'storage')).toEqual([])
  const longAgo = new Date(Date.now() - 120_000)
  utimesSync(lock, longAgo, longAgo)
  expect(await waiting.ended).toEqual({ code: 0, output: String(weights.length) })
  expect(hub.requests.find(({ host }) => host === 'storage')?.range).toBeUndefined()
  expect(weightsIn(cache).equals(weights)).toBe(true)
})
