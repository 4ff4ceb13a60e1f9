import type { DatasetRow } from '../data/rows.js'

/** What a row asks and what it should get: by the second, rows with the same first contradict each other or repeat it. */
export interface RowParts {
  readonly input: unknown
  readonly answer: unknown
}

/** Fields that hold what is to be predicted. */
const answers = new Set([
  'completion',
  'target',
  'label',
  'labels',
  'tags',
  'answers',
  'chosen',
  'rejected',
  'positive',
])

/** Of a conversation the answer is the last message, where it is the assistant's. Plain texts are all input. */
export function partsOf(row: DatasetRow): RowParts {
  const entries = Object.entries(row)
  if ('messages' in row && row.messages.at(-1)?.role === 'assistant') {
    return { input: row.messages.slice(0, -1), answer: row.messages.at(-1) }
  }
  return {
    input: entries.filter(([name]) => !answers.has(name)),
    answer: entries.filter(([name]) => answers.has(name)),
  }
}

/** Names and marks rather than what anybody wrote. */
const marks = new Set(['role', 'type', 'label', 'labels', 'tags', 'tool_call_id', 'id', 'answer_start', 'weight'])

/** All that somebody wrote, text by text. */
export function textsOf(row: DatasetRow): string[] {
  const texts: string[] = []
  const gather = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value)
    else if (Array.isArray(value)) value.forEach(gather)
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) if (!marks.has(name)) gather(inner)
    }
  }
  if ('tokens' in row) return [row.tokens.join(' ')]
  gather(Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'tools')))
  return texts
}
