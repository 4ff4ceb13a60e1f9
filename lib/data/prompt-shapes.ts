import type { Message } from '../tokenizer/message.js'
import { answerNames } from './field-advice.js'
import { conversationProblem } from './check-conversation.js'
import { rowOf } from './messages-shapes.js'
import { received, type ReadField } from './read-field.js'
import { readMessages } from './read-messages.js'
import { readTools } from './read-tool-calls.js'
import { isGiven, type Fields, type ParsedRow, type RowMeaning, type Shape } from './shape.js'

function hasBoth(fields: Fields): boolean {
  return isGiven(fields['prompt']) && isGiven(fields['completion'])
}

export const promptCompletionShape: Shape = {
  name: 'prompt-completion',
  form: 'a prompt and its completion',
  expected: 'prompt and completion (strings)',
  detect: (fields) => hasBoth(fields) && !(Array.isArray(fields['prompt']) && Array.isArray(fields['completion'])),
  reads: () => ['prompt', 'completion'],
  parse: (fields) => {
    const { prompt, completion } = fields
    if (typeof prompt !== 'string') return { problem: sameKind('prompt', prompt, 'completion', completion) }
    if (typeof completion !== 'string') return { problem: sameKind('completion', completion, 'prompt', prompt) }
    return { row: { prompt, completion } }
  },
}

/** TRL's conversational prompts and completions: a conversation in which only the completion is learnt. */
export const conversationalPromptShape: Shape = {
  name: 'messages',
  form: "a conversation in two parts, prompt and completion (TRL's)",
  expected: 'prompt and completion (lists of { role, content })',
  detect: (fields) => Array.isArray(fields['prompt']) && Array.isArray(fields['completion']),
  reads: () => ['prompt', 'completion', 'tools'],
  parse: (fields, meaning) => {
    const { value, problem } = readParts(fields, meaning)
    if (value === undefined) return { problem }
    const { prompt, completion } = value
    const read = prompt.map((message) => (message.role === 'assistant' ? { ...message, weight: 0 } : message))
    return rowOf([...read, ...completion], fields)
  },
}

/** TRL's unpaired preferences: a completion and whether it was good. */
export const unpairedPreferenceShape: Shape = {
  name: 'unpaired-preference',
  form: "a prompt, a completion and whether it is good (TRL's unpaired preferences)",
  expected: 'prompt, completion (strings or lists of { role, content }) and label (true or false)',
  detect: (fields) => hasBoth(fields) && typeof fields['label'] === 'boolean',
  reads: () => ['prompt', 'completion', 'label', 'tools'],
  parse: (fields, meaning) => {
    const label = fields['label'] as boolean
    if (!Array.isArray(fields['prompt']) || !Array.isArray(fields['completion'])) {
      const plain = promptCompletionShape.parse(fields, meaning)
      return plain.row !== undefined && 'prompt' in plain.row ? { row: { ...(plain.row as PlainParts), label } } : plain
    }
    const { value, problem } = readParts(fields, meaning)
    if (value === undefined) return { problem }
    const tools = readTools(fields)
    if (tools.value === undefined) return tools
    return { row: { ...value, label, ...(tools.value.length === 0 ? {} : { tools: tools.value }) } }
  },
}

interface PlainParts {
  readonly prompt: string
  readonly completion: string
}

/** Rows that nothing can be learnt from, refused in words of their own. */
export const promptOnlyShape: Shape = {
  name: 'prompt-completion',
  form: 'a prompt alone',
  expected: 'prompt and completion',
  detect: (fields) => isGiven(fields['prompt']) && !isGiven(fields['completion']) && !isGiven(fields['text']),
  reads: () => ['prompt'],
  parse: (fields): ParsedRow => {
    const answer = Object.keys(fields).find((name) => answerNames.includes(name) && isGiven(fields[name]))
    const advice = answer === undefined ? '' : `; if ${answer} is it, say so: fields: { completion: '${answer}' }`
    const missing = fields['completion'] === null ? 'completion (null)' : 'a completion'
    const needed = 'rows have prompt and completion, or prompt, chosen and rejected, or messages'
    return { problem: `a prompt without ${missing}, received ${received(fields)}: ${needed}${advice}` }
  },
}

interface Parts {
  readonly prompt: readonly Message[]
  readonly completion: readonly Message[]
}

function readParts(fields: Fields, { roles }: RowMeaning): ReadField<Parts> {
  const prompt = readMessages(fields['prompt'], 'prompt', roles)
  if (prompt.value === undefined) return prompt
  const completion = readMessages(fields['completion'], 'completion', roles)
  if (completion.value === undefined) return completion
  const problem = answerProblem(prompt.value, completion.value, 'completion')
  return problem === undefined ? { value: { prompt: prompt.value, completion: completion.value } } : { problem }
}

/** What is wrong with a conversation whose last part, named `name`, is the answer. */
export function answerProblem(
  prompt: readonly Message[],
  answer: readonly Message[],
  name: string,
): string | undefined {
  if (!answer.some(({ role }) => role === 'assistant')) return `${name}: no message is of the assistant`
  const pathOf = (index: number): string =>
    index < prompt.length ? `prompt[${index}]` : `${name}[${index - prompt.length}]`
  return conversationProblem([...prompt, ...answer], { pathOf })
}

function sameKind(name: string, value: unknown, other: string, beside: unknown): string {
  if (Array.isArray(value) !== Array.isArray(beside) && (Array.isArray(value) || Array.isArray(beside))) {
    return `${name} is ${received(value)} and ${other} ${received(beside)}: both should be strings, or both lists of { role, content }`
  }
  return `${name}: expected string, received ${received(value)}`
}
