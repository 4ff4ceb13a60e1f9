import type { ContentPart, Message } from '../tokenizer/message.js'
import { suggestion } from '../nearest.js'
import { jsonOf, received, type ReadField } from './read-field.js'
import { readToolCalls } from './read-tool-calls.js'
import { isGiven, type Fields } from './shape.js'

/** Every role that templates know, with the one it means to them: `developer` is what OpenAI calls `system` of late. */
const roles: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}

/** Who speaks in ShareGPT's conversations, by the names that datasets of this form use. */
const speakers: Readonly<Record<string, string>> = {
  system: 'system',
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
  assistant: 'assistant',
  function_call: 'assistant',
  tool: 'tool',
  function_response: 'tool',
  observation: 'tool',
}

// Keys that say nothing by themselves.
const idle = new Set(['role', 'content', 'name', 'tool_call_id', 'weight'])

/**
 * A list of messages as templates take them: OpenAI's `{ role, content }` or ShareGPT's `{ from, value }`. Deprecated
 * and other spellings become today's; a message that needs no change stays the object it is.
 */
export function readMessages(
  list: unknown,
  path: string,
  furtherRoles: readonly string[] = [],
): ReadField<readonly Message[]> {
  if (!Array.isArray(list)) return { problem: `${path}: expected array, received ${received(list)}` }
  if (list.length === 0) return { problem: `${path} is empty` }
  const messages: Message[] = []
  for (const [index, entry] of (list as readonly unknown[]).entries()) {
    const { value, problem } = readMessage(entry, `${path}[${index}]`, furtherRoles)
    if (value === undefined) return { problem }
    messages.push(value)
  }
  return { value: messages }
}

function readMessage(entry: unknown, path: string, furtherRoles: readonly string[]): ReadField<Message> {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { problem: `${path}: expected { role, content }, received ${received(entry)}` }
  }
  const fields = entry as Fields
  if (!isGiven(fields['role']) && isGiven(fields['from'])) return readSpoken(fields, path, furtherRoles)
  const role = readRole(fields['role'], `${path}.role`, roles, furtherRoles)
  if (role.value === undefined) return role
  const problem = problemOfFields(fields, role.value, path)
  if (problem !== undefined) return { problem }
  const calls = readToolCalls(fields, path)
  if (calls.problem !== undefined) return calls
  if (role.value === fields['role'] && calls.value === undefined) return { value: fields as Message }
  const { function_call: deprecated, ...rest } = fields
  const kept = isGiven(deprecated) ? rest : fields
  return { value: { ...kept, role: role.value, ...(calls.value === undefined ? {} : { tool_calls: calls.value }) } }
}

/** A message of ShareGPT's form. */
function readSpoken(fields: Fields, path: string, furtherRoles: readonly string[]): ReadField<Message> {
  const { from, value, weight } = fields
  const role = readRole(from, `${path}.from`, speakers, furtherRoles)
  if (role.value === undefined) return role
  if (typeof value !== 'string') return { problem: `${path}.value: expected string, received ${received(value)}` }
  const message: Message = { role: role.value, content: value }
  if (from === 'function_call') {
    const calls = readToolCalls({ function_call: jsonOf(value) ?? value }, path)
    if (calls.problem !== undefined) return { problem: `${path}.value: a call should be JSON with name and arguments` }
    return { value: { role: role.value, content: null, tool_calls: calls.value } }
  }
  const problem = weightProblem(weight, role.value, path)
  if (problem !== undefined) return { problem }
  return { value: isGiven(weight) ? { ...message, weight } : message }
}

function readRole(
  role: unknown,
  path: string,
  known: Readonly<Record<string, string>>,
  furtherRoles: readonly string[],
): ReadField<string> {
  if (typeof role !== 'string' || role === '')
    return { problem: `${path}: expected string, received ${received(role)}` }
  const own = Object.hasOwn(known, role) ? known[role] : undefined
  // A role that the options name stays as it is: the model's template knows it.
  if (furtherRoles.includes(role)) return { value: role }
  if (own !== undefined) return { value: own }
  const names = [...Object.keys(known), ...furtherRoles]
  return { problem: `${path}: '${role}' is no role, known are ${names.join(', ')}.${suggestion(role, names)}` }
}

function problemOfFields(fields: Fields, role: string, path: string): string | undefined {
  const { content, name, tool_call_id: callId, weight } = fields
  if (isGiven(content) && typeof content !== 'string' && !isParts(content)) {
    return `${path}.content: expected string or list of parts, received ${received(content)}`
  }
  for (const [key, value] of [
    ['name', name],
    ['tool_call_id', callId],
  ] as const) {
    if (isGiven(value) && typeof value !== 'string')
      return `${path}.${key}: expected string, received ${received(value)}`
  }
  if (!isGiven(content) && !Object.keys(fields).some((key) => !idle.has(key) && isGiven(fields[key]))) {
    return `${path} has neither content nor tool_calls`
  }
  return weightProblem(weight, role, path)
}

function weightProblem(weight: unknown, role: string, path: string): string | undefined {
  if (!isGiven(weight)) return undefined
  if (role !== 'assistant') {
    return `${path}.weight: only messages of the assistant have a weight, this one is of the ${role}`
  }
  if (weight === 0 || weight === 1) return undefined
  return `${path}.weight: expected 0 or 1, received ${typeof weight === 'number' ? weight : received(weight)}`
}

function isParts(content: unknown): content is readonly ContentPart[] {
  return (
    Array.isArray(content) &&
    content.every((part: unknown) => {
      if (typeof part !== 'object' || part === null) return false
      const { type, text } = part as Fields
      return typeof type === 'string' && (!isGiven(text) || typeof text === 'string')
    })
  )
}
