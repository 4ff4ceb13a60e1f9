import { z } from 'zod'

import type { Message, Tool } from '../tokenizer/message.js'

/** A prompt and what the model should answer. */
export interface PromptCompletionRow {
  readonly prompt: string
  readonly completion: string
}

/** A conversation, with the tools the assistant could call. */
export interface MessagesRow {
  readonly messages: readonly Message[]
  readonly tools?: readonly Tool[] | undefined
}

/** Plain text. */
export interface TextRow {
  readonly text: string
}

export type DatasetRow = PromptCompletionRow | MessagesRow | TextRow

export type ShapeName = 'messages' | 'prompt-completion' | 'text'

/** How rows of one kind are recognised and read. Adding a kind of row is adding an entry to `shapes`. */
export interface Shape {
  readonly name: ShapeName
  /** The fields a row needs, for error messages. */
  readonly expected: string
  /** Whether a row is meant to be of this shape: its fields are there, right or wrong. */
  readonly detect: (fields: Readonly<Record<string, unknown>>) => boolean
  /** The row with its own fields only, or what is wrong with it. */
  readonly parse: (fields: Readonly<Record<string, unknown>>) => ParsedRow
}

export type ParsedRow =
  { readonly row: DatasetRow; readonly problem?: undefined } | { readonly row?: undefined; readonly problem: string }

const contentSchema = z
  .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
  .nullish()

const messageSchema = z
  .looseObject({ role: z.string().min(1), content: contentSchema })
  .refine((message) => (message.content ?? null) !== null || Object.keys(message).some((key) => !idle.has(key)), {
    error: 'has neither content nor tool_calls',
  })

// Keys that say nothing by themselves.
const idle = new Set(['role', 'content', 'name', 'tool_call_id'])

const messagesSchema = z.object({
  messages: z.array(messageSchema).min(1),
  tools: z.array(z.record(z.string(), z.unknown())).nullish(),
})
const promptCompletionSchema = z.object({ prompt: z.string(), completion: z.string() })
const textSchema = z.object({ text: z.string() })

/** In the order they are tried: rows with `messages` often carry a `prompt` or a `text` beside it. */
export const shapes: readonly Shape[] = [
  {
    name: 'messages',
    expected: 'messages (a list of { role, content })',
    detect: (fields) => isGiven(fields['messages']),
    parse: (fields) => {
      const result = messagesSchema.safeParse(fields)
      if (!result.success) return { problem: problemOf(result.error, fields) }
      const { messages, tools } = result.data
      return { row: (tools ?? []).length > 0 ? { messages, tools: tools ?? [] } : { messages } }
    },
  },
  {
    name: 'prompt-completion',
    expected: 'prompt and completion (strings)',
    detect: (fields) => isGiven(fields['prompt']) && isGiven(fields['completion']),
    parse: (fields) => parsed(promptCompletionSchema.safeParse(fields), fields),
  },
  {
    name: 'text',
    expected: 'text (a string)',
    detect: (fields) => isGiven(fields['text']),
    parse: (fields) => parsed(textSchema.safeParse(fields), fields),
  },
]

/** What the rows of a dataset may look like, in words. */
export const expectedFields = shapes.map(({ expected }) => expected).join(', or ')

/** What came in place of the expected fields, in words. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value !== 'object') return `a ${typeof value}`
  const fields = Object.entries(value).map(([key, entry]) => (entry === null ? `${key} (null)` : key))
  if (fields.length === 0) return 'an object without fields'
  return `fields ${fields.slice(0, 8).join(', ')}${fields.length > 8 ? ', …' : ''}`
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function parsed(result: z.ZodSafeParseResult<DatasetRow>, fields: unknown): ParsedRow {
  return result.success ? { row: result.data } : { problem: problemOf(result.error, fields) }
}

/** The first thing wrong, as `messages[2].content: expected a string, received a number`. */
function problemOf(error: z.ZodError, fields: unknown): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'is not valid'
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  const value = issue.path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    fields,
  )
  const name = path.replace(/^\./, '')
  if (issue.code === 'custom') return `${name} ${issue.message}`
  if (issue.code === 'too_small') return `${name} is empty`
  const wanted = issue.code === 'invalid_type' ? issue.expected : 'string or list of parts'
  return `${name}: expected ${wanted}, received ${value === undefined ? 'nothing' : describeValue(value)}`
}
