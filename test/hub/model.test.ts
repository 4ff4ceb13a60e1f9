import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { fixtureModel, temporaryDirectory } from '../models/fixture-models.js'
import { readFileTensors, writeFileTensors } from '../models/safetensors-file.js'
import { hubOfTest, treeOf } from './hub-of-test.js'
import { firstCommit, type StandInRepository } from './stand-in-hub.js'

type Files = Record<string, string | Buffer>

function repositoryOf(id: string, files: Files): StandInRepository {
  return { kind: 'model', id, refs: { main: firstCommit }, commits: { [firstCommit]: files } }
}

function filesOf(directory: string): Files {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]))
}

const base = join(import.meta.dirname, '../../examples/models/attune-base')
const gpt2 = filesOf(fixtureModel('gpt2'))
const batch = { inputIds: [[1, 2, 3, 4, 5]] }

async function logitsOf(source: string): Promise<Float32Array> {
  await using model = await Model.load(source)
  return (await model.forward(batch)).logits.data
}

function snapshotFiles(cache: string, folder: string): string[] {
  return Object.keys(treeOf(join(cache, folder, 'snapshots', firstCommit)))
}

describe('a model by its id', () => {
  test('is the model of the directory, with its tokenizer; nothing else is fetched', async () => {
    const others = { 'README.md': 'x', 'pytorch_model.bin': 'pickle', 'onnx/model.onnx': 'x', 'run.py': 'print()' }
    const { cache, hub } = await hubOfTest(repositoryOf('org/base', { ...filesOf(base), ...others }))
    await using model = await Model.load('org/base')
    const tokenizer = await model.tokenizer()
    expect(tokenizer.chatTemplate).toBeDefined()
    expect(snapshotFiles(cache, 'models--org--base')).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect((await model.forward(batch)).logits.data).toEqual(await logitsOf(base))
    hub.requests.length = 0
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await logitsOf('org/base')).toEqual(await logitsOf(base))
    expect(hub.requests).toEqual([])
  })

  test('in shards comes by its index', async () => {
    const directory = temporaryDirectory()
    const tensors = [...readFileTensors(join(fixtureModel('gpt2'), 'model.safetensors'))]
    const files: Files = { 'config.json': gpt2['config.json']! }
    const map: Record<string, string> = {}
    for (const [i, part] of [tensors.slice(0, 9), tensors.slice(9)].entries()) {
      const name = `model-0000${i + 1}-of-00002.safetensors`
      writeFileTensors(join(directory, name), new Map(part))
      files[name] = readFileSync(join(directory, name))
      for (const [tensor] of part) map[tensor] = name
    }
    files['model.safetensors.index.json'] = JSON.stringify({ weight_map: map })
    files['model-00003-of-00003.safetensors'] = 'of another time'
    const { cache, hub } = await hubOfTest(repositoryOf('org/shards', files))
    expect(await logitsOf('org/shards')).toEqual(await logitsOf(fixtureModel('gpt2')))
    expect(snapshotFiles(cache, 'models--org--shards')).not.toContain('model-00003-of-00003.safetensors')

    const less = Object.fromEntries(Object.entries(files).filter(([name]) => !name.includes('-00002-')))
    hub.add(repositoryOf('org/less', less))
    await expect(Model.load('org/less')).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining('has no model-00002-of-00002.safetensors') as string,
    })
  })

  test('for its configuration alone leaves the weights where they are', async () => {
    const { cache } = await hubOfTest(repositoryOf('org/gpt2', gpt2))
    await using model = await Model.fromConfig('org/gpt2', { seed: 3 })
    expect(model.definition.modelType).toBe('gpt2')
    expect(snapshotFiles(cache, 'models--org--gpt2')).toEqual(['config.json'])
  })

  test('brings the pooling of a sentence encoder', async () => {
    const modules = [
      { type: 'sentence_transformers.models.Transformer', path: '' },
      { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' },
    ]
    const pooling = {
      'modules.json': JSON.stringify(modules),
      '1_Pooling/config.json': '{"pooling_mode_lasttoken":true}',
    }
    await hubOfTest(repositoryOf('org/encoder', { ...gpt2, ...pooling }))
    await using model = await Model.load('org/encoder', { task: 'embedding' })
    expect(model.definition.pooling).toBe('last')
  })

  test('gives way to a directory of that name', async () => {
    const { hub } = await hubOfTest()
    const before = process.cwd()
    process.chdir(join(import.meta.dirname, '../../examples'))
    try {
      expect(await logitsOf('models/attune-base')).toEqual(await logitsOf(base))
      await expect(Model.load('models/attune-base', { revision: 'v1' })).rejects.toMatchObject({
        code: 'invalid-option',
        where: 'options.revision',
      })
    } finally {
      process.chdir(before)
    }
    expect(hub.requests).toEqual([])
  })

  test.each([
    ['of pickles', { 'config.json': '{}', 'pytorch_model.bin': 'x' }, /pickles, which attune does not load/],
    ['of nothing', { 'README.md': 'x' }, /has no config\.json\./],
    ['of GGUF', { 'model-q4.gguf': 'x' }, /GGUF/],
    ['that is an adapter', { 'adapter_config.json': '{}' }, /it is an adapter/],
  ])('%s is refused before anything large comes', async (_, files, message) => {
    const { hub } = await hubOfTest(repositoryOf('org/odd', files))
    await expect(Model.load('org/odd')).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringMatching(message) as string,
    })
    expect(hub.downloads).toEqual([])
  })

  test('what is neither path nor id is a missing file, and asks nobody', async () => {
    const { hub } = await hubOfTest()
    await expect(Model.load('./nowhere')).rejects.toMatchObject({
      code: 'file-not-found',
      where: 'nowhere/config.json',
      message: expect.stringContaining('no id of a model on the Hub either') as string,
    })
    expect(hub.requests).toEqual([])
  })

  test('has a tokenizer that comes without the model', async () => {
    const { cache } = await hubOfTest(repositoryOf('org/base', filesOf(base)))
    const tokenizer = await Tokenizer.load('org/base', { revision: 'main' })
    expect(await tokenizer.decode(await tokenizer.encode('some words'))).toBe('some words')
    expect(snapshotFiles(cache, 'models--org--base')).not.toContain('model.safetensors')
  })
})

describe('an adapter by its id', () => {
  test('goes on the model, and names its base by the id', async () => {
    const directory = join(temporaryDirectory(), 'adapter')
    const { hub, cache } = await hubOfTest(repositoryOf('org/gpt2', gpt2))
    {
      await using model = await Model.load('org/gpt2')
      await model.addAdapter(lora({ rank: 2 }))
      await model.save(directory)
    }
    const { base_model_name_or_path: saved } = JSON.parse(
      readFileSync(join(directory, 'adapter_config.json'), 'utf8'),
    ) as Record<string, unknown>
    expect(saved).toBe('org/gpt2')

    hub.add(repositoryOf('org/adapter', { ...filesOf(directory), 'optimizer.pt': 'x' }))
    await using first = await Model.load('org/gpt2', { adapter: 'org/adapter@main' })
    expect(first.adapter?.rank).toBe(2)
    expect(snapshotFiles(cache, 'models--org--adapter')).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'task.json',
    ])
    await using second = await Model.load('org/gpt2')
    await second.addAdapter(undefined, { from: 'org/adapter', revision: 'main' })
    expect((await second.forward(batch)).logits).toEqual((await first.forward(batch)).logits)
  })

  test.each([
    ['a pickle', { 'adapter_config.json': '{}', 'adapter_model.bin': 'x' }, /weights are a pickle/],
    ['a model', { 'config.json': '{}' }, /it is a model, not an adapter/],
  ])('that is %s is refused', async (_, files, message) => {
    await hubOfTest(repositoryOf('org/odd', files))
    await expect(Model.load(fixtureModel('gpt2'), { adapter: 'org/odd' })).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringMatching(message) as string,
    })
  })
})
