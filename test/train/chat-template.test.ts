import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Dataset } from '../../lib/data/dataset.js'
import { generateBatch } from '../../lib/generate/generate.js'
import { Model } from '../../lib/models/model.js'
import { lora } from '../../lib/nn/lora.js'
import { builtInTemplates } from '../../lib/tokenizer/chat-templates/index.js'
import { plan } from '../../lib/train/plan.js'
import { Trainer } from '../../lib/train/trainer.js'
import { tinyModel } from '../tiny-model.js'
import { removeFolder, writeByteTokenizer } from '../tokenizer/byte-tokenizer.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'attune-chat-'))
  await using model = await tinyModel({}, { vocab_size: 261 })
  await model.save(directory)
  const tokenizer = await writeByteTokenizer()
  await cp(tokenizer, directory, { recursive: true })
  await removeFolder(tokenizer)
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const rows = Dataset.from(
  Array.from({ length: 8 }, () => ({
    messages: [
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'A' },
    ],
  })),
)

describe('a base without a chat template', () => {
  test('says what to give', async () => {
    await using model = await Model.load(directory)
    await expect(plan(model, rows)).rejects.toThrow("options.chatTemplate ('chatml'")
  })

  test.each([
    ['an adapter', { adapter: lora({ rank: 2 }) }],
    ['the model', {}],
  ])('is trained in a built-in one, %s is saved with it and answers in it', async (_, options) => {
    const output = join(directory, 'out')
    {
      await using model = await Model.load(directory)
      await plan(model, rows, { chatTemplate: 'chatml', ...options })
      expect((await model.tokenizer()).chatTemplate, 'a plan changes nothing').toBeUndefined()
      const trainer = new Trainer(model, { train: rows, chatTemplate: 'chatml', epochs: 1, output, ...options })
      for await (const event of trainer.run()) if (event.type === 'done') expect(event.step).toBe(1)
    }
    expect(await readFile(join(output, 'chat_template.jinja'), 'utf8')).toBe(builtInTemplates.chatml.source)
    await using tuned =
      'adapter' in options ? await Model.load(directory, { adapter: output }) : await Model.load(output)
    expect((await tuned.tokenizer()).chatTemplate?.source).toBe(builtInTemplates.chatml.source)
    const prompt = [{ role: 'user', content: 'u' }]
    const [own] = await generateBatch(tuned, [prompt], { maxNewTokens: 3 })
    await using base = await Model.load(directory)
    const [given] = await generateBatch(base, [prompt], { maxNewTokens: 3, chatTemplate: 'chatml' })
    expect(own?.promptTokens).toBe(given?.promptTokens)
    await expect(generateBatch(base, [prompt], { maxNewTokens: 3 })).rejects.toMatchObject({
      code: 'invalid-chat-template',
    })
  })
})
