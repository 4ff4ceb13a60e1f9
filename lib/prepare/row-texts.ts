import type { DatasetRow } from '../data/rows.js'

/** Fields of rows that hold what people wrote: texts, or lists of messages. */
const textFields = new Set(
  'text text_pair prompt completion chosen rejected source target anchor positive negative question context messages tokens'.split(
    ' ',
  ),
)
// What a model reads, beside what it should answer.
const answerFields = new Set(['completion', 'chosen', 'rejected', 'target', 'positive', 'negative'])
// Keys of messages that hold names of programs, not of people, and no prose.
const signs = new Set(['role', 'type', 'id', 'tool_call_id', 'weight'])

/** The row with all its texts changed. `fields` of question-answering rows are changed too, but their answers are not moved. */
export function mapTexts(row: DatasetRow, change: (text: string) => string): DatasetRow {
  const entries = Object.entries(row).map(([key, value]: [string, unknown]) => [
    key,
    textFields.has(key) ? mapStrings(value, change) : value,
  ])
  return Object.fromEntries(entries) as DatasetRow
}

/** A value with all texts in it changed: of messages, not the role and the names of tools. */
export function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((entry) => mapStrings(entry, change))
  if (typeof value !== 'object' || value === null) return value
  const isTool = 'arguments' in value || ('role' in value && (value.role === 'tool' || value.role === 'function'))
  const entries = Object.entries(value).map(([key, entry]: [string, unknown]): [string, unknown] => {
    if (signs.has(key) || (isTool && key === 'name')) return [key, entry]
    return [key, key === 'arguments' && typeof entry === 'string' ? inJson(entry, change) : mapStrings(entry, change)]
  })
  return Object.fromEntries(entries)
}

/** Arguments of a tool call are JSON: a text in it may be written with escapes. */
function inJson(json: string, change: (text: string) => string): string {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return change(json)
  }
  const before = JSON.stringify(value)
  const after = JSON.stringify(mapStrings(value, change))
  return before === after ? json : after
}

/** What rows are compared by: 'row' all texts and labels, 'texts' all texts, 'input' what the model reads and not what it answers. */
export type ComparedBy = 'row' | 'texts' | 'input'

/** The texts of a row, one below the other. */
export function textOfRow(row: DatasetRow, by: ComparedBy): string {
  const texts: string[] = []
  const collect = (text: string): string => {
    texts.push(text)
    return text
  }
  for (const [key, value] of Object.entries(row) as [string, unknown][]) {
    if (!textFields.has(key) || (by === 'input' && answerFields.has(key))) continue
    const messages: unknown =
      by === 'input' && key === 'messages' && Array.isArray(value) ? value.filter(isRead) : value
    mapStrings(messages, collect)
  }
  return texts.join('\n')
}

/** Labels, tags and answers, which tell rows of the same texts apart. */
export function labelOfRow(row: DatasetRow): string {
  const fields = row as { label?: unknown; labels?: unknown; tags?: unknown; answers?: unknown }
  return JSON.stringify([fields.label, fields.labels, fields.tags, fields.answers])
}

function isRead(message: unknown): boolean {
  return typeof message !== 'object' || message === null || !('role' in message) || message.role !== 'assistant'
}
