import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'

import { renderWithAssistantSpans } from '../../lib/tokenizer/assistant-spans.js'
import { ChatTemplate } from '../../lib/tokenizer/chat-template.js'
import { builtInTemplateNames, builtInTemplates } from '../../lib/tokenizer/chat-templates/index.js'
import type { Message, Tool } from '../../lib/tokenizer/message.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldensMissing, readGolden } from '../shared-goldens.js'
import { removeFolder, writeByteTokenizer } from './byte-tokenizer.js'

interface ChatGolden {
  readonly variables: Record<string, unknown>
  readonly cases: readonly {
    readonly conversation: string
    readonly add_generation_prompt: boolean
    readonly continue_final_message?: boolean
    readonly text?: string
    readonly error?: string
  }[]
}

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map(removeFolder))
})

async function byteTokenizer(config: Record<string, unknown> = {}): Promise<Tokenizer> {
  const folder = await writeByteTokenizer({ config })
  folders.push(folder)
  return Tokenizer.load(folder)
}

const talk: Message[] = [
  { role: 'user', content: 'u' },
  { role: 'assistant', content: 'A' },
  { role: 'user', content: 'v' },
  { role: 'assistant', content: 'B' },
]

if (goldensMissing !== '') test.skip(goldensMissing)

describe.skipIf(goldensMissing !== '').each(['chatml', 'llama3', 'mistral', 'gemma', 'zephyr'] as const)(
  'built-in %s',
  (name) => {
    test('writes what the golden has', () => {
      const golden = readGolden<ChatGolden>('chat', `${name}.json`)
      const { conversations } = readGolden<{
        conversations: Record<string, { messages: Message[]; tools?: Tool[] }>
      }>('chat', 'conversations.json')
      const template = new ChatTemplate(builtInTemplates[name].source, golden.variables)
      for (const { conversation, text, error, ...kind } of golden.cases) {
        const { messages, tools } = conversations[conversation] ?? { messages: [] }
        const options = {
          tools,
          addGenerationPrompt: kind.add_generation_prompt,
          continueFinalMessage: kind.continue_final_message,
        }
        if (error === undefined) expect(template.render(messages, options), conversation).toBe(text)
        else expect(() => template.render(messages, options), conversation).toThrow()
      }
    })
  },
)

describe('built-in templates', () => {
  test.each(builtInTemplateNames)('%s: marks the assistant, and a prompt leads to the answer', (name) => {
    const template = new ChatTemplate(builtInTemplates[name].source, { bos_token: '<s>', eos_token: '</s>' })
    const { text, spans } = renderWithAssistantSpans(template, talk)
    const said = spans.map(([start, end]) => text.slice(start, end))
    expect(said.map((turn) => turn.trim()[0])).toEqual(['A', 'B'])
    const prompt = template.render(talk.slice(0, 3), { addGenerationPrompt: true })
    expect(text.startsWith(prompt)).toBe(true)
    expect(spans[1]?.[0]).toBe(prompt.length)
  })

  test('alpaca, as a whole', () => {
    const template = new ChatTemplate(builtInTemplates.alpaca.source, { eos_token: '</s>' })
    expect(template.render([{ role: 'system', content: 's' }, ...talk])).toBe(
      's\n\n### Instruction:\nu\n\n### Response:\nA</s>\n\n### Instruction:\nv\n\n### Response:\nB</s>\n\n',
    )
    expect(() => template.render([{ role: 'tool', content: 't' }])).toThrow("not 'tool'")
  })

  test('a tokenizer takes one by name, as text or from a file; it is saved', async () => {
    const tokenizer = await byteTokenizer({ chat_template: 'own' })
    const chatml = await tokenizer.withChatTemplate('chatml')
    expect(chatml.applyChatTemplate(talk)).toContain('<|im_start|>assistant\nA<|im_end|>')
    expect(tokenizer.applyChatTemplate(talk)).toBe('own')
    expect(chatml.fingerprint).not.toBe(tokenizer.fingerprint)
    expect((await tokenizer.withChatTemplate('{{ 1 + 1 }}')).applyChatTemplate(talk)).toBe('2')
    const path = join(tokenizer.directory, 'mine.jinja')
    await writeFile(path, 'from a file')
    expect((await tokenizer.withChatTemplate(path)).applyChatTemplate(talk)).toBe('from a file')

    const folder = await writeByteTokenizer()
    folders.push(folder)
    await rm(join(folder, 'tokenizer.json'))
    expect(await chatml.save(folder)).toContain('chat_template.jinja')
    expect(await readFile(join(folder, 'chat_template.jinja'), 'utf8')).toBe(builtInTemplates.chatml.source)
    expect((await Tokenizer.load(folder)).applyChatTemplate(talk)).toBe(chatml.applyChatTemplate(talk))
  })

  test('tokens that the vocabulary lacks are named, and what would do', async () => {
    const tokenizer = await byteTokenizer()
    await expect(tokenizer.withChatTemplate('gemma')).rejects.toMatchObject({
      code: 'invalid-chat-template',
      message: expect.stringMatching(
        /<start_of_turn>, <end_of_turn>.*choose 'chatml' or .*'zephyr' or 'alpaca'/,
      ) as string,
    })
    const endless = await byteTokenizer({ eos_token: null })
    await expect(endless.withChatTemplate('alpaca')).rejects.toThrow('the eos_token')
    await expect(tokenizer.withChatTemplate('chatlm')).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining("'chatml'") as string,
    })
  })

  test('what ends an answer: the mark of the template, eos, or nothing that is one token', async () => {
    const tokenizer = await byteTokenizer()
    const ends = async (template: string) => (await tokenizer.withChatTemplate(template)).turnEndIds()
    expect(await ends('chatml')).toEqual([260])
    expect(await ends('alpaca')).toEqual([257])
    expect(await ends('{% for m in messages %}{{ m.content }}\n{% endfor %}')).toEqual([])
    expect(await ends("{{ raise_exception('no') }}")).toEqual([])
    expect(await tokenizer.turnEndIds()).toEqual([])
  })
})
