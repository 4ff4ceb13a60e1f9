import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { renderWithAssistantSpans } from '../../lib/tokenizer/assistant-spans.js'
import { ChatTemplate } from '../../lib/tokenizer/chat-template.js'
import type { Message } from '../../lib/tokenizer/message.js'
import { goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'

// Most released templates have no {% generation %} tags: there the spans come from rendering prefixes.

if (goldensMissing !== '') test.skip(goldensMissing)

function conversation(name: string): readonly Message[] {
  const { conversations } = readGolden<{ conversations: Record<string, { messages: Message[] }> }>(
    'chat',
    'conversations.json',
  )
  const found = conversations[name]
  if (found === undefined) throw new Error(`no conversation ${name}`)
  return found.messages
}

function said(template: ChatTemplate, name: string, turns?: 'all' | 'last'): string[] {
  const { text, spans } = renderWithAssistantSpans(template, conversation(name), {}, turns)
  return spans.map(([start, end]) => text.slice(start, end))
}

function released(name: string): ChatTemplate {
  const { variables } = readGolden<{ variables: Record<string, unknown> }>('chat', 'third_party', `${name}.json`)
  return new ChatTemplate(readFileSync(goldenPath('chat', 'third_party', `${name}.jinja`), 'utf8'), variables, name)
}

describe.skipIf(goldensMissing !== '')('assistant spans without tags', () => {
  test.each(['llama3', 'gemma'])('%s: the same as with its tags', (name) => {
    const golden = readGolden<{ template: string; variables: Record<string, unknown> }>('chat', `${name}.json`)
    const tag = /\{%(-?)\s*(?:end)?generation\s*%\}/g
    const tagged = new ChatTemplate(golden.template, golden.variables)
    const bare = new ChatTemplate(golden.template.replace(tag, '{%$1 if true %}{% endif %}'), golden.variables)
    expect([tagged.hasGenerationTags, bare.hasGenerationTags]).toEqual([true, false])
    for (const talk of ['two turns', 'finished', 'blanks around', 'unicode', 'empty', 'long', 'null keys']) {
      expect(said(bare, talk), talk).toEqual(said(tagged, talk))
    }
  })

  test.each([
    ['gemma', '<end_of_turn>\n', ''],
    ['llama3', '<|eot_id|>', ''],
    ['llama3_1', '<|eot_id|>', ''],
    ['phi3', '<|end|>\n', '<eos>'],
    ['qwen2_5', '<|im_end|>\n', ''],
  ])('%s as released', (name, endOfTurn, endOfTalk) => {
    const turns = ['I am a small model.', 'Because of scattering.'].map((content) => content + endOfTurn)
    expect(said(released(name), 'two turns')).toEqual(turns.slice(0, 1))
    expect(said(released(name), 'finished')).toEqual([turns[0], `${turns[1]}${endOfTalk}`])
    expect(said(released(name), 'finished', 'last')).toEqual([`${turns[1]}${endOfTalk}`])
  })

  test('qwen3 writes earlier turns without their thinking: only its last turn can be told apart', () => {
    const template = released('qwen3')
    expect(() => said(template, 'finished')).toThrow(
      expect.objectContaining({ code: 'invalid-chat-template', where: 'qwen3' }) as Error,
    )
    const last = '<think>\n\n</think>\n\nBecause of scattering.<|im_end|>\n'
    expect(said(template, 'finished', 'last')).toEqual([last])
  })
})
