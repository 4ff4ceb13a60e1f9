import type { Message } from '../tokenizer/message.js'
import { conversationProblem } from './check-conversation.js'
import { received, type ReadField } from './read-field.js'
import { readMessages } from './read-messages.js'
import { readTools } from './read-tool-calls.js'
import { isGiven, type Fields, type ParsedRow, type RowMeaning, type Shape } from './shape.js'

/** OpenAI's chat lines, which TRL and most datasets of conversations use too. */
export const messagesShape: Shape = {
  name: 'messages',
  form: "a conversation (OpenAI's chat lines)",
  expected: 'messages (a list of { role, content })',
  detect: (fields) => isGiven(fields['messages']),
  reads: () => ['messages', 'tools', 'functions', 'parallel_tool_calls'],
  parse: (fields, { roles }) => {
    const messages = readMessages(fields['messages'], 'messages', roles)
    if (messages.value === undefined) return messages
    const problem = conversationProblem(messages.value)
    return problem === undefined ? rowOf(messages.value, fields) : { problem }
  },
}

/** ShareGPT's conversations: `from` and `value`; some have `system` and `tools` beside them. */
export const shareGptShape: Shape = {
  name: 'messages',
  form: 'a conversation in the form of ShareGPT',
  expected: 'conversations (a list of { from, value })',
  detect: (fields) => Array.isArray(fields['conversations'] ?? fields['conversation']),
  reads: (fields) => [isGiven(fields['conversations']) ? 'conversations' : 'conversation', 'system', 'tools'],
  parse: (fields, meaning) => {
    const name = isGiven(fields['conversations']) ? 'conversations' : 'conversation'
    const { value, problem } = readConversation(fields, name, meaning)
    return value === undefined ? { problem } : rowOf(value, fields)
  },
}

/** The messages of a field in either form, the row's `system` before them. */
function readConversation(fields: Fields, name: string, { roles }: RowMeaning): ReadField<readonly Message[]> {
  const { system } = fields
  const read = readMessages(fields[name], name, roles)
  if (read.value === undefined) return read
  if (isGiven(system) && typeof system !== 'string') {
    return { problem: `system: expected string, received ${received(system)}` }
  }
  const problem = conversationProblem(read.value, { pathOf: (index) => `${name}[${index}]`, callsAreText: true })
  if (problem !== undefined) return { problem }
  const first = isGiven(system) && system !== '' ? [{ role: 'system', content: system as string }] : []
  return { value: first.length === 0 ? read.value : [...first, ...read.value] }
}

/** A row of these messages, with what it has beside them. */
export function rowOf(messages: readonly Message[], fields: Fields): ParsedRow {
  const tools = readTools(fields)
  if (tools.value === undefined) return tools
  const parallel = fields['parallel_tool_calls']
  if (isGiven(parallel) && typeof parallel !== 'boolean') {
    return { problem: `parallel_tool_calls: expected boolean, received ${received(parallel)}` }
  }
  return {
    row: {
      messages,
      ...(tools.value.length === 0 ? {} : { tools: tools.value }),
      ...(typeof parallel === 'boolean' ? { parallel_tool_calls: parallel } : {}),
    },
  }
}
