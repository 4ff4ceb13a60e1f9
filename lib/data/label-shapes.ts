import { z } from 'zod'

import type { Label } from './rows.js'
import { received as receivedField } from './read-field.js'
import { filledText, isGiven, parsed, type Fields, type ParsedRow, type Shape } from './shape.js'

const isLabel = (value: unknown): value is Label =>
  (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value))

const labelSchema = z.custom<Label>(isLabel, {
  error: ({ input }) => `should be a string or a number, received ${received(input)}`,
})

const labelsSchema = z.custom<readonly Label[]>((value) => Array.isArray(value) && value.every(isLabel), {
  error: ({ input }) => {
    if (!Array.isArray(input)) return `should be a list of strings or numbers, received ${received(input)}`
    const wrong = input.findIndex((entry) => !isLabel(entry))
    return `should hold strings or numbers, entry ${wrong} is ${received(input[wrong])}`
  },
})

function received(value: unknown): string {
  return value === '' ? 'an empty string' : receivedField(value)
}

// A text and its pair by the names that datasets use for them.
const textNames = [
  ['text', 'text_pair'],
  ['premise', 'hypothesis'],
  ['sentence1', 'sentence2'],
] as const

/** The names that a row's texts have. */
function textsOf(fields: Fields): readonly string[] {
  return textNames.find(([name]) => isGiven(fields[name])) ?? textNames[0]
}

function hasText(fields: Fields): boolean {
  return textNames.some(([first, second]) => isGiven(fields[first]) && (first === 'text' || isGiven(fields[second])))
}

/** The texts of a row under their own names, then whatever `label` makes of the rest. */
function parseLabelled(
  fields: Fields,
  label: { label: typeof labelSchema } | { labels: typeof labelsSchema },
): ParsedRow {
  const [first, second] = textNames.find(([name]) => isGiven(fields[name])) ?? textNames[0]
  const paired = first !== 'text' || isGiven(fields[second])
  return parsed(labelledSchema(first, paired ? second : undefined, label), fields, (row) => {
    const own = row as Readonly<Record<string, unknown>>
    const pairText = own[second]
    const rest = 'label' in label ? { label: own['label'] as Label } : { labels: own['labels'] as readonly Label[] }
    const text = String(own[first])
    return typeof pairText === 'string' ? { text, text_pair: pairText, ...rest } : { text, ...rest }
  })
}

// A schema is compiled when it is first used, which takes longer than reading a row.
const schemas = new Map<string, z.ZodType>()

function labelledSchema(first: string, second: string | undefined, label: object): z.ZodType {
  const key = [first, second, ...Object.keys(label)].join(' ')
  let schema = schemas.get(key)
  if (schema === undefined) {
    schema = z.object({ [first]: filledText, ...(second === undefined ? {} : { [second]: filledText }), ...label })
    schemas.set(key, schema)
  }
  return schema
}

export const textLabelShape: Shape = {
  name: 'text-label',
  form: 'a text with its class or number',
  reads: (fields) => [...textsOf(fields), 'label'],
  expected: 'text (and text_pair) and label (a string or a number)',
  detect: (fields) => hasText(fields) && isGiven(fields['label']),
  parse: (fields) => parseLabelled(fields, { label: labelSchema }),
}

export const textLabelsShape: Shape = {
  name: 'text-labels',
  form: 'a text with any number of classes',
  reads: (fields) => [...textsOf(fields), 'labels'],
  expected: 'text (and text_pair) and labels (a list)',
  detect: (fields) => hasText(fields) && isGiven(fields['labels']),
  parse: (fields) => parseLabelled(fields, { labels: labelsSchema }),
}

const tokensSchema = z.object({ tokens: z.array(filledText).min(1) })
const tagSchemas = {
  tags: tokensSchema.extend({ tags: labelsSchema }),
  ner_tags: tokensSchema.extend({ ner_tags: labelsSchema }),
} as const

export const tokensTagsShape: Shape = {
  name: 'tokens-tags',
  form: 'words with a tag each',
  reads: ({ tags }) => ['tokens', isGiven(tags) ? 'tags' : 'ner_tags'],
  expected: 'tokens and tags (lists of the same length)',
  detect: (fields) => Array.isArray(fields['tokens']) && (isGiven(fields['tags']) || isGiven(fields['ner_tags'])),
  parse: (fields) => {
    const name = isGiven(fields['tags']) ? 'tags' : 'ner_tags'
    const result = parsed(tagSchemas[name], fields, (row) => ({
      tokens: row.tokens,
      tags: 'tags' in row ? row.tags : row.ner_tags,
    }))
    if (result.row === undefined || !('tags' in result.row)) return result
    const { tokens, tags } = result.row
    if (tokens.length === tags.length) return result
    return { problem: `${name} has ${tags.length} entries, tokens has ${tokens.length}: each token needs one tag` }
  },
}
