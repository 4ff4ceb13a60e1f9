import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as timersPromises from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { DownloadProgress } from '../../lib/hub/download-progress.js'
import { settleHubOptions, type HubOptions } from '../../lib/hub/hub-options.js'
import { parseRepository } from '../../lib/hub/repository.js'
import { fetchSnapshot } from '../../lib/hub/snapshot.js'
import { hubOfTest, treeOf } from './hub-of-test.js'
import { firstCommit, gitHash, secondCommit, sha256, token, type StandInRepository } from './stand-in-hub.js'

// Pauses between attempts are not waited for.
vi.mock('node:timers/promises', async (original) => {
  const timers = await original<typeof timersPromises>()
  return { ...timers, setTimeout: (ms: number, ...rest: []) => timers.setTimeout(Math.min(ms, 5), ...rest) }
})

const weights = Buffer.from(Uint8Array.from({ length: 3 << 20 }, (_, i) => (i * 7919) >> 8))
const config = '{"model_type":"gpt2"}'

const repository: StandInRepository = {
  kind: 'model',
  id: 'org/name',
  refs: { main: secondCommit, 'v1.0': firstCommit, 'refs/pr/3': firstCommit },
  commits: {
    [firstCommit]: { 'config.json': '{}' },
    [secondCommit]: {
      '.gitattributes': '*.safetensors filter=lfs',
      'README.md': 'a model',
      '1_Pooling/config.json': '{"a":1}',
      'config.json': config,
      'empty.txt': '',
      'model.safetensors': weights,
      'pytorch_model.bin': 'a pickle',
    },
  },
}

const wanted = ['config.json', 'model.safetensors', '1_Pooling/config.json']

async function fetched(id = 'org/name', options: HubOptions = {}, paths = wanted): Promise<string> {
  const settings = await settleHubOptions(options)
  return fetchSnapshot(parseRepository(id, 'model')!, () => Promise.resolve(paths), settings)
}

const blobsOf = (cache: string): string[] => readdirSync(join(cache, 'models--org--name/blobs')).sort()

describe('a first download', () => {
  test('lays out the cache as huggingface_hub does, with the files asked for', async () => {
    const { hub, cache } = await hubOfTest(repository)
    const directory = await fetched()
    expect(directory).toBe(join(cache, 'models--org--name/snapshots', secondCommit))
    expect(treeOf(cache)).toEqual({
      'models--org--name/refs/main': 'file',
      [`models--org--name/trees/${secondCommit}.json`]: 'file',
      [`models--org--name/blobs/${gitHash(config)}`]: 'file',
      [`models--org--name/blobs/${gitHash('{"a":1}')}`]: 'file',
      [`models--org--name/blobs/${sha256(weights)}`]: 'file',
      [`models--org--name/snapshots/${secondCommit}/config.json`]: `../../blobs/${gitHash(config)}`,
      [`models--org--name/snapshots/${secondCommit}/1_Pooling/config.json`]: `../../../blobs/${gitHash('{"a":1}')}`,
      [`models--org--name/snapshots/${secondCommit}/model.safetensors`]: `../../blobs/${sha256(weights)}`,
    })
    expect(readFileSync(join(cache, 'models--org--name/refs/main'), 'utf8')).toBe(secondCommit)
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
    // One of each of three files; the large one is sent on to the storage.
    expect(hub.downloads).toHaveLength(4)
  })

  test('keeps the listing in the form of huggingface_hub', async () => {
    const { cache } = await hubOfTest(repository)
    await fetched()
    const kept: unknown = JSON.parse(readFileSync(join(cache, `models--org--name/trees/${secondCommit}.json`), 'utf8'))
    expect(kept).toMatchObject({
      format_version: 1,
      files: {
        'config.json': { size: config.length, blob_id: gitHash(config) },
        'model.safetensors': { size: weights.length, lfs_sha256: sha256(weights), lfs_size: weights.length },
      },
    })
  })

  test('says how far it is', async () => {
    await hubOfTest(repository)
    const seen: DownloadProgress[] = []
    await fetched('org/name', { onProgress: (progress) => seen.push(progress) })
    const total = weights.length + config.length + 7
    expect(seen.at(-1)).toMatchObject({
      repository: 'org/name',
      kind: 'model',
      commit: secondCommit,
      bytes: { done: total, total },
      files: { done: 3, total: 3 },
    })
  })

  test('of an empty file asks for nothing', async () => {
    const { hub } = await hubOfTest(repository)
    const directory = await fetched('org/name', {}, ['empty.txt'])
    expect(readFileSync(join(directory, 'empty.txt'), 'utf8')).toBe('')
    expect(hub.downloads).toHaveLength(0)
  })
})

describe('what is there already', () => {
  test('is not asked for again: one question, which commit the branch stands at', async () => {
    const { hub } = await hubOfTest(repository)
    const directory = await fetched()
    hub.requests.length = 0
    expect(await fetched()).toBe(directory)
    expect(hub.requests.map(({ path }) => path.replace(/\?.*/, ''))).toEqual(['/api/models/org/name/revision/main'])
  })

  test('of a commit needs no question at all', async () => {
    const { hub } = await hubOfTest(repository)
    await fetched(`org/name@${secondCommit}`)
    hub.requests.length = 0
    await fetched(`org/name@${secondCommit}`)
    expect(hub.requests).toEqual([])
  })

  test('is shared by commits that have the same contents', async () => {
    const third = '3'.repeat(40)
    const same = { ...repository.commits[secondCommit], 'config.json': '{"changed":1}' }
    const { hub } = await hubOfTest({ ...repository, commits: { ...repository.commits, [third]: same } })
    await fetched()
    hub.requests.length = 0
    const directory = await fetched(`org/name@${third}`)
    expect(hub.downloads).toHaveLength(1)
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
  })

  test('but was cut short on the disk comes again', async () => {
    const { cache } = await hubOfTest(repository)
    const directory = await fetched()
    truncateSync(join(cache, 'models--org--name/blobs', sha256(weights)), 1000)
    await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
  })
})

describe('revisions', () => {
  test.each(['v1.0', 'refs/pr/3', firstCommit])('%s', async (revision) => {
    const { cache } = await hubOfTest(repository)
    const directory = await fetched(`org/name@${revision}`, {}, ['config.json'])
    expect(directory.endsWith(firstCommit)).toBe(true)
    expect(readFileSync(join(directory, 'config.json'), 'utf8')).toBe('{}')
    expect(existsSync(join(cache, 'models--org--name/refs', revision))).toBe(revision !== firstCommit)
  })

  test('a branch that moved is followed', async () => {
    const refs = { main: firstCommit }
    await hubOfTest({ ...repository, refs })
    expect((await fetched('org/name', {}, ['config.json'])).endsWith(firstCommit)).toBe(true)
    refs.main = secondCommit
    expect((await fetched('org/name', {}, ['config.json'])).endsWith(secondCommit)).toBe(true)
  })
})

describe('without a connection', () => {
  test('the flag takes the copy, and asks nobody', async () => {
    const { hub } = await hubOfTest(repository)
    const directory = await fetched()
    hub.requests.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await fetched()).toBe(directory)
    expect(hub.requests).toEqual([])
  })

  test('the flag refuses what is not there, by name', async () => {
    const { hub } = await hubOfTest(repository)
    await expect(fetched('org/name', { offline: true })).rejects.toMatchObject({
      code: 'not-cached',
      message: expect.stringMatching(/HF_HUB_OFFLINE.*no copy of the model org\/name/) as string,
    })
    await fetched('org/name', {}, ['config.json'])
    hub.requests.length = 0
    await expect(fetched('org/name', { offline: true })).rejects.toMatchObject({
      code: 'not-cached',
      message: expect.stringContaining('model.safetensors of the model org/name') as string,
    })
    expect(hub.requests).toEqual([])
  })

  test('a Hub that is not reached leaves the copy, with a warning; without one that is the error', async () => {
    const { hub } = await hubOfTest(repository)
    const directory = await fetched()
    await hub[Symbol.asyncDispose]()
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    expect(await fetched()).toBe(directory)
    expect(String(warning.mock.calls[0]?.[0])).toContain('Going on with the copy in the cache')
    warning.mockRestore()
    await expect(fetched('org/other')).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/Cannot reach http:.*ECONNREFUSED/) as string,
    })
  })

  test('a copy that huggingface_hub made, without a listing, is taken as it lies', async () => {
    const { cache } = await hubOfTest(repository)
    const snapshot = join(cache, 'models--org--name/snapshots', secondCommit)
    mkdirSync(snapshot, { recursive: true })
    mkdirSync(join(cache, 'models--org--name/refs'))
    writeFileSync(join(cache, 'models--org--name/refs/main'), secondCommit)
    writeFileSync(join(snapshot, 'config.json'), config)
    expect(await fetched('org/name', { offline: true }, ['config.json'])).toBe(snapshot)
    await expect(fetched('org/name', { offline: true })).rejects.toMatchObject({ code: 'not-cached' })
  })
})

describe('a connection that breaks', () => {
  test('is taken up where it ended', async () => {
    const { hub } = await hubOfTest(repository)
    const cut = [1_000_000, 500_000]
    hub.fault = ({ host }) => (host === 'storage' && cut.length > 0 ? { cutAfter: cut.shift()! } : undefined)
    const directory = await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
    const ranges = hub.requests.filter(({ host }) => host === 'storage').map(({ range }) => range)
    expect(ranges[0]).toBeUndefined()
    expect(ranges).toHaveLength(3)
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/)
    expect(Number(/\d+/.exec(ranges[2]!)?.[0])).toBeGreaterThan(Number(/\d+/.exec(ranges[1]!)?.[0]))
  })

  test('for good leaves no half file in the snapshot, and the next run goes on with it', async () => {
    const { hub, cache } = await hubOfTest(repository)
    let served = 0
    hub.fault = ({ host }) =>
      host !== 'storage' ? undefined : served++ === 0 ? { cutAfter: 2_000_000 } : { cutAfter: 0 }
    await expect(fetched()).rejects.toMatchObject({ code: 'download-failed' })
    const snapshot = join(cache, 'models--org--name/snapshots', secondCommit)
    expect(existsSync(join(snapshot, 'model.safetensors'))).toBe(false)
    expect(existsSync(join(cache, 'models--org--name/refs/main'))).toBe(false)
    expect(blobsOf(cache).filter((name) => name.endsWith('.incomplete'))).toHaveLength(1)

    hub.fault = () => undefined
    hub.requests.length = 0
    const directory = await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
    const [download] = hub.requests.filter(({ host }) => host === 'storage')
    expect(Number(/\d+/.exec(download?.range ?? '')?.[0])).toBeGreaterThan(0)
    expect(blobsOf(cache).some((name) => name.includes('incomplete'))).toBe(false)
  })

  test('to a server that sends all again starts over', async () => {
    const { hub } = await hubOfTest(repository)
    let served = 0
    hub.fault = ({ host }) =>
      host !== 'storage' ? undefined : served++ === 0 ? { cutAfter: 1_000_000 } : { wholeAlways: true }
    const directory = await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
  })

  test('by saying nothing more is noticed', async () => {
    const { hub } = await hubOfTest(repository)
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '0.3')
    let served = 0
    hub.fault = ({ host }) => (host === 'storage' && served++ === 0 ? { stallAfter: 1_000_000 } : undefined)
    const directory = await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
  })

  test('on the caller’s wish ends at once, and keeps what has come', async () => {
    const { hub, cache } = await hubOfTest(repository)
    const controller = new AbortController()
    hub.fault = ({ host }) => (host === 'storage' ? { stallAfter: 1_000_000 } : undefined)
    const onProgress = () => controller.abort()
    await expect(
      fetched('org/name', { signal: controller.signal, onProgress }, ['model.safetensors']),
    ).rejects.toMatchObject({ code: 'aborted' })
    expect(blobsOf(cache).filter((name) => name.endsWith('.incomplete'))).toHaveLength(1)
    expect(treeOf(join(cache, '.locks'))).toEqual({})
  })

  test.each([429, 500, 503])('a server that answers %i once is asked again', async (status) => {
    const { hub } = await hubOfTest(repository)
    let served = 0
    hub.fault = ({ path }) => (path.includes('/revision/') && served++ === 0 ? { status } : undefined)
    await fetched('org/name', {}, ['config.json'])
    expect(served).toBe(2)
  })

  test.each([
    [429, 'asked too often'],
    [500, 'HTTP 500'],
  ])('a server that goes on answering %i is given up', async (status, words) => {
    const { hub } = await hubOfTest(repository)
    hub.fault = () => ({ status })
    await expect(fetched()).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining(words) as string,
    })
    expect(hub.requests).toHaveLength(5)
  })

  test('a server that wants a long pause is not waited for', async () => {
    const { hub } = await hubOfTest(repository)
    hub.fault = () => ({ status: 429, headers: { 'retry-after': '3600' } })
    await expect(fetched()).rejects.toMatchObject({ code: 'download-failed' })
    expect(hub.requests).toHaveLength(1)
  })
})

describe('contents that are not what they should be', () => {
  test.each([
    ['of a large file', 'storage', Buffer.alloc(weights.length)],
    ['longer than said', 'storage', Buffer.concat([weights, weights])],
    ['of a small file', 'hub', Buffer.from('{"model_type":"gpt3"}')],
  ])('%s are refused', async (_, host, contents) => {
    const { hub, cache } = await hubOfTest(repository)
    const isIt = (path: string) => (host === 'hub' ? path.endsWith('/config.json') && !path.includes('Pooling') : true)
    hub.fault = (request) => (request.host === host && isIt(request.path) ? { contents } : undefined)
    await expect(fetched()).rejects.toMatchObject({ code: 'checksum-mismatch' })
    const bad = host === 'hub' ? 'config.json' : 'model.safetensors'
    expect(existsSync(join(cache, 'models--org--name/snapshots', secondCommit, bad))).toBe(false)
    expect(blobsOf(cache).some((name) => name.startsWith(sha256(weights)) && host === 'storage')).toBe(false)
    // The next run gets it right.
    hub.fault = () => undefined
    await fetched()
  })

  test('left by an earlier run are fetched anew', async () => {
    const { cache } = await hubOfTest(repository)
    mkdirSync(join(cache, 'models--org--name/blobs'), { recursive: true })
    const partial = join(cache, 'models--org--name/blobs', `${sha256(weights)}.attune-00000000.incomplete`)
    writeFileSync(partial, Buffer.alloc(1_000_000, 1))
    const directory = await fetched()
    expect(readFileSync(join(directory, 'model.safetensors')).equals(weights)).toBe(true)
    expect(existsSync(partial)).toBe(false)
  })
})

describe('the access token', () => {
  test('goes to the endpoint and to nobody else', async () => {
    const { hub } = await hubOfTest({ ...repository, access: 'private' })
    vi.stubEnv('HF_TOKEN', token)
    await fetched()
    const sent = (host: string) =>
      hub.requests.filter((request) => request.host === host).map((seen) => seen.authorization)
    expect(new Set(sent('hub'))).toEqual(new Set([`Bearer ${token}`]))
    expect(sent('storage')).toEqual([undefined])
  })

  test('is read from the file of `hf auth login`, unless that is switched off', async () => {
    const { home } = await hubOfTest({ ...repository, access: 'gated' })
    writeFileSync(join(home, 'token'), `${token}\n`)
    await fetched('org/name', {}, ['config.json'])
    rmSync(join(home, 'hub'), { recursive: true })
    await expect(fetched('org/name', { token: false })).rejects.toMatchObject({ code: 'access-denied' })
    vi.stubEnv('HF_HUB_DISABLE_IMPLICIT_TOKEN', '1')
    await expect(fetched()).rejects.toMatchObject({ code: 'access-denied' })
  })
})

describe('what cannot be had is said', () => {
  test.each([
    ['a gated model', { access: 'gated' as const }, 'org/name', 'access-denied', /gated: ask for access at .*HF_TOKEN/],
    ['a private one', { access: 'private' as const }, 'org/name', 'repository-not-found', /HF_TOKEN/],
    ['one that is not there', {}, 'org/nothing', 'repository-not-found', /neither a file or directory 'org\/nothing'/],
    ['a revision that is not there', {}, 'org/name@v9', 'revision-not-found', /no revision 'v9'/],
  ])('%s', async (_, changes, id, code, message) => {
    await hubOfTest({ ...repository, ...changes })
    await expect(fetched(id)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  })

  test('a token that is not accepted', async () => {
    await hubOfTest(repository)
    await expect(fetched('org/name', { token: 'hf_old' })).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining('does not accept the access token') as string,
    })
  })

  test('a file that is not in the repository', async () => {
    await hubOfTest(repository)
    await expect(fetched('org/name', {}, ['vocab.txt'])).rejects.toMatchObject({ code: 'file-not-found' })
  })

  test('a cache that cannot be written', async () => {
    const { home } = await hubOfTest(repository)
    writeFileSync(join(home, 'hub'), 'a file where the folder should be')
    await expect(fetched()).rejects.toMatchObject({
      code: 'file-write-failed',
      message: expect.stringContaining('Cannot write to the cache') as string,
    })
  })

  test('a disk that is too small, before anything is fetched', async () => {
    const { hub } = await hubOfTest({
      ...repository,
      commits: { [secondCommit]: { 'model.safetensors': 'x' } },
    })
    const huge = [{ type: 'file', path: 'model.safetensors', size: 2 ** 52, oid: 'a'.repeat(40) }]
    const real = globalThis.fetch
    const spy = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation((url, init) =>
        typeof url === 'string' && url.includes('/tree/') ? Promise.resolve(Response.json(huge)) : real(url, init),
      )
    await expect(fetched('org/name', {}, ['model.safetensors'])).rejects.toMatchObject({
      code: 'file-write-failed',
      message: expect.stringMatching(/needs 4503599\.6 GB more, but the disk/) as string,
    })
    spy.mockRestore()
    expect(hub.downloads).toEqual([])
  })

  test('an endpoint that is none', async () => {
    await hubOfTest(repository)
    vi.stubEnv('HF_ENDPOINT', 'huggingface.co')
    await expect(fetched()).rejects.toMatchObject({ code: 'invalid-option', where: 'HF_ENDPOINT' })
  })

  test('options that are none', async () => {
    await expect(settleHubOptions({ ofline: true } as HubOptions)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('Did you mean "offline"?') as string,
    })
  })
})

test('names that lead out of the folder are left alone', async () => {
  const evil = { '../../../evil': 'x', '/etc/evil': 'x', 'a\\..\\evil': 'x', 'config.json': '{}' }
  const { cache } = await hubOfTest({ ...repository, commits: { [secondCommit]: evil } })
  let seen: string[] = []
  const choose = ({ paths }: { readonly paths: ReadonlySet<string> }) => Promise.resolve((seen = [...paths]))
  await fetchSnapshot(parseRepository('org/name', 'model')!, choose, await settleHubOptions())
  expect(seen).toEqual(['config.json'])
  expect(Object.keys(treeOf(join(cache, '..'))).every((path) => path.startsWith('hub/models--org--name/'))).toBe(true)
})
