import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { AttuneError } from '../../lib/errors.js'
import { renderWithAssistantSpans, tokensInSpans } from '../../lib/tokenizer/assistant-spans.js'
import { ChatTemplate } from '../../lib/tokenizer/chat-template.js'
import type { Message, Tool } from '../../lib/tokenizer/message.js'
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js'
import { goldenNames, goldenPath, goldensMissing, readGolden } from '../shared-goldens.js'

interface ChatGolden {
  tokenizer?: string
  template: string
  variables: Record<string, unknown>
  cases: {
    conversation: string
    add_generation_prompt: boolean
    continue_final_message?: boolean
    text?: string
    ids?: number[]
    assistant_spans?: [number, number][]
    error?: string
    error_type?: string
  }[]
}

interface Conversation {
  messages: Message[]
  tools?: Tool[]
}

if (goldensMissing !== '') test.skip(goldensMissing)

const own = goldenNames('chat').filter((name) => name !== 'conversations')
const thirdParty = goldenNames('chat/third_party').map((name) => `third_party/${name}`)

describe.each([...own, ...thirdParty])('chat golden %s', (name) => {
  const golden = readGolden<ChatGolden>('chat', `${name}.json`)
  const { conversations } = readGolden<{ conversations: Record<string, Conversation> }>('chat', 'conversations.json')
  const isFile = golden.template.endsWith('.jinja')
  const source = isFile ? readFileSync(goldenPath('chat', golden.template), 'utf8') : golden.template
  const template = new ChatTemplate(source, golden.variables, name)
  let loaded: Promise<Tokenizer> | undefined

  const titled = golden.cases.map((c) => ({
    ...c,
    title: `${c.conversation}${c.add_generation_prompt ? ', prompted' : ''}${c.continue_final_message === true ? ', continued' : ''}`,
  }))
  test.each(titled)('$title', async (expected) => {
    const conversation = conversations[expected.conversation]
    if (conversation === undefined) throw new Error(`no conversation ${expected.conversation}`)
    const options = {
      tools: conversation.tools,
      addGenerationPrompt: expected.add_generation_prompt,
      continueFinalMessage: expected.continue_final_message,
    }
    if (expected.error !== undefined) {
      const error = catchError(() => template.render(conversation.messages, options))
      expect(error).toMatchObject({ code: 'chat-template-failed' })
      if (expected.error_type === 'TemplateError') expect(error.message).toContain(expected.error)
      return
    }
    expect(template.render(conversation.messages, options)).toBe(expected.text)
    if (golden.tokenizer === undefined) return
    const { text, spans } = renderWithAssistantSpans(template, conversation.messages, options)
    expect(text).toBe(expected.text)
    const tokenizer = await (loaded ??= Tokenizer.load(goldenPath(golden.tokenizer)))
    const { ids, offsets } = await tokenizer.encodeWithOffsets(text, { addSpecialTokens: false })
    expect([...ids]).toEqual(expected.ids)
    // Continued cases carry no spans: transformers cuts their text only after it has found them.
    if (expected.assistant_spans === undefined) return
    expect(runs(tokensInSpans(text, offsets, spans))).toEqual(joined(expected.assistant_spans))
  })
})

function catchError(run: () => unknown): AttuneError {
  try {
    run()
  } catch (error) {
    if (error instanceof AttuneError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The [start, end) runs of true. */
function runs(mask: readonly boolean[]): [number, number][] {
  const found: [number, number][] = []
  mask.forEach((inside, index) => {
    const last = found.at(-1)
    if (inside && last?.[1] === index) last[1] = index + 1
    else if (inside) found.push([index, index + 1])
  })
  return found
}

/** Spans that touch, as one. */
function joined(spans: readonly [number, number][]): [number, number][] {
  const result: [number, number][] = []
  for (const [start, end] of spans) {
    const last = result.at(-1)
    if (last?.[1] === start) last[1] = end
    else if (end > start) result.push([start, end])
  }
  return result
}
