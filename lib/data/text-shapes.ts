import { z } from 'zod'

import { filledText, isGiven, parsed, type Fields, type ParsedRow, type RowMeaning, type Shape } from './shape.js'

const contentSchema = z
  .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))])
  .nullish()

// Keys that say nothing by themselves.
const idle = new Set(['role', 'content', 'name', 'tool_call_id'])

const messageSchema = z
  .looseObject({ role: z.string().min(1), content: contentSchema })
  .refine((message) => (message.content ?? null) !== null || Object.keys(message).some((key) => !idle.has(key)), {
    error: 'has neither content nor tool_calls',
  })

const messagesSchema = z.object({
  messages: z.array(messageSchema).min(1),
  tools: z.array(z.record(z.string(), z.unknown())).nullish(),
})

export const messagesShape: Shape = {
  name: 'messages',
  expected: 'messages (a list of { role, content })',
  detect: (fields) => isGiven(fields['messages']),
  parse: (fields) =>
    parsed(messagesSchema, fields, ({ messages, tools }) =>
      (tools ?? []).length > 0 ? { messages, tools: tools ?? [] } : { messages },
    ),
}

const promptCompletionSchema = z.object({ prompt: z.string(), completion: z.string() })

export const promptCompletionShape: Shape = {
  name: 'prompt-completion',
  expected: 'prompt and completion (strings)',
  detect: (fields) => isGiven(fields['prompt']) && isGiven(fields['completion']),
  parse: (fields) => parsed(promptCompletionSchema, fields, (row) => row),
}

const textSchema = z.object({ text: z.string() })

export const textShape: Shape = {
  name: 'text',
  expected: 'text (a string)',
  detect: (fields) => isGiven(fields['text']),
  parse: (fields) => parsed(textSchema, fields, (row) => row),
}

const sourceTargetSchema = z.object({ source: filledText, target: filledText })

export const sourceTargetShape: Shape = {
  name: 'source-target',
  expected: 'source and target (strings)',
  detect: (fields) => (isGiven(fields['source']) && isGiven(fields['target'])) || isGiven(fields['translation']),
  parse: (fields, meaning) =>
    isGiven(fields['source']) && isGiven(fields['target'])
      ? parsed(sourceTargetSchema, fields, (row) => row)
      : parseTranslation(fields, meaning),
}

function parseTranslation(fields: Fields, { sourceLanguage, targetLanguage }: RowMeaning): ParsedRow {
  if (sourceLanguage === undefined || targetLanguage === undefined) {
    const inside = fields['translation']
    const found = typeof inside === 'object' && inside !== null ? Object.keys(inside).join(', ') : ''
    return {
      problem: `a translation needs options.sourceLanguage and options.targetLanguage to say which way it goes (this one has ${found})`,
    }
  }
  const schema = z.object({
    translation: z.object({ [sourceLanguage]: filledText, [targetLanguage]: filledText }),
  })
  return parsed(schema, fields, ({ translation }) => ({
    source: String(translation[sourceLanguage]),
    target: String(translation[targetLanguage]),
  }))
}

const anchorPositiveSchema = z.object({ anchor: filledText, positive: filledText, negative: filledText.nullish() })

export const anchorPositiveShape: Shape = {
  name: 'anchor-positive',
  expected: 'anchor and positive (and negative) (strings)',
  detect: (fields) => isGiven(fields['anchor']) && isGiven(fields['positive']),
  parse: (fields) =>
    parsed(anchorPositiveSchema, fields, ({ anchor, positive, negative }) =>
      typeof negative === 'string' ? { anchor, positive, negative } : { anchor, positive },
    ),
}
