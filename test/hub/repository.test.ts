import { describe, expect, test, vi } from 'vitest'
import { snapshotOrigin } from '../../lib/hub/cache-layout.js'
import { settleHubOptions } from '../../lib/hub/hub-options.js'
import { parseRepository } from '../../lib/hub/repository.js'
import { homedir } from 'node:os'
import { join } from 'node:path'

describe('an id', () => {
  test.each([
    ['org/name', 'org/name', 'main'],
    ['gpt2', 'gpt2', 'main'],
    ['org/name-7b.v0.1_x', 'org/name-7b.v0.1_x', 'main'],
    ['org/name@v1.0', 'org/name', 'v1.0'],
    ['org/name@refs/pr/3', 'org/name', 'refs/pr/3'],
    ['hf://org/name', 'org/name', 'main'],
    ['hf://models/org/name@dev', 'org/name', 'dev'],
  ])('%s', (text, id, revision) => {
    expect(parseRepository(text, 'model')).toEqual({ kind: 'model', id, revision })
  })

  test.each([
    './org/name',
    '/org/name',
    'a/b/c',
    'org/',
    '-org/name',
    'org/name.',
    'org/na--me',
    'org/na..me',
    'org/name.git',
    'org/name@',
    'org/name@a@b',
    'org/name@../../x',
    'org/name@a/../b',
    'org/naïve',
    'org/na me',
    '',
    `org/${'x'.repeat(97)}`,
    'https://huggingface.co/org/name',
  ])('is not: %s', (text) => {
    expect(parseRepository(text, 'model')).toBeUndefined()
  })

  test('takes its revision from the option, unless the two differ', () => {
    expect(parseRepository('org/name', 'model', 'dev')?.revision).toBe('dev')
    expect(parseRepository('org/name@dev', 'model', 'dev')?.revision).toBe('dev')
    expect(() => parseRepository('org/name@dev', 'model', 'main')).toThrow(/another revision/)
    expect(() => parseRepository('org/name', 'model', '../x')).toThrow(/no branch, tag or commit/)
  })

  test('says of which kind it is', () => {
    expect(parseRepository('hf://datasets/org/name', 'dataset')?.id).toBe('org/name')
    expect(() => parseRepository('hf://datasets/org/name', 'model')).toThrow(/expected a model/)
  })

  test('is read back from the path of its copy', () => {
    const commit = 'a'.repeat(40)
    expect(snapshotOrigin(`/cache/models--org--name/snapshots/${commit}`)).toEqual({ id: 'org/name', commit })
    expect(snapshotOrigin(`C:\\cache\\models--gpt2\\snapshots\\${commit}\\`)).toEqual({ id: 'gpt2', commit })
    expect(snapshotOrigin('/models/org/name')).toBeUndefined()
  })
})

describe('the variables', () => {
  async function settings(values: Readonly<Record<string, string>>) {
    const names = ['HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME', 'HF_ENDPOINT', 'HF_TOKEN']
    for (const name of [...names, 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) vi.stubEnv(name, values[name] ?? '')
    vi.stubEnv('HF_HUB_DISABLE_IMPLICIT_TOKEN', values.HF_TOKEN === undefined ? '1' : '')
    try {
      return await settleHubOptions()
    } finally {
      vi.unstubAllEnvs()
    }
  }

  test.each([
    [{}, join(homedir(), '.cache/huggingface/hub')],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ HF_HOME: '~/hf', XDG_CACHE_HOME: '/x' }, join(homedir(), 'hf/hub')],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HF_HUB_CACHE: '${XDG_CACHE_HOME}/c', XDG_CACHE_HOME: '/x' }, '/x/c'],
  ])('%j put the copies into %s', async (values, cache) => {
    expect(await settings(values)).toMatchObject({ cache, endpoint: 'https://huggingface.co', offline: false })
  })

  test('endpoint, token and the flag', async () => {
    expect(
      await settings({ HF_ENDPOINT: 'https://mirror.example/', HF_TOKEN: ' hf_x\n', TRANSFORMERS_OFFLINE: 'ON' }),
    ).toMatchObject({ endpoint: 'https://mirror.example', token: 'hf_x', offline: true })
  })
})
