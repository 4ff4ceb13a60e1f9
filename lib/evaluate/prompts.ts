/** Rows as prompts for a model that writes, and what it should write. */
import type { Dataset } from '../data/dataset.js'
import type { DatasetRow, MessagesRow } from '../data/rows.js'
import { AttuneError } from '../errors.js'
import type { Message } from '../tokenizer/message.js'

export interface PromptedRow {
  readonly prompt: string | readonly Message[]
  readonly reference: string
}

/** @throws AttuneError 'invalid-dataset' naming the first row that has no prompt and answer */
export function promptsOf(dataset: Dataset, prefix = ''): PromptedRow[] {
  return dataset.rows.map((row, index) => {
    const prompted = promptOf(row, prefix)
    if (prompted !== undefined) return prompted
    const where = dataset.origins[index] ?? 'data'
    const message = `${where}: what a model writes is measured on rows with a prompt and an answer (prompt and completion, messages that end with the assistant's, or source and target)`
    throw new AttuneError('invalid-dataset', message, { where })
  })
}

function promptOf(row: DatasetRow, prefix: string): PromptedRow | undefined {
  if ('prompt' in row) {
    // Of two answers, or of one that may be bad, none is the reference.
    if ('chosen' in row || 'label' in row) return undefined
    return { prompt: prefix + row.prompt, reference: row.completion }
  }
  if ('source' in row) return { prompt: prefix + row.source, reference: row.target }
  if ('messages' in row) return lastTurn(row)
  return undefined
}

function lastTurn({ messages }: MessagesRow): PromptedRow | undefined {
  const last = messages.at(-1)
  if (last?.role !== 'assistant' || typeof last.content !== 'string') return undefined
  return { prompt: messages.slice(0, -1), reference: last.content }
}

/** The row behind solved examples: earlier turns of the conversation, or texts with a blank line between. */
export function fewShotPrompt(shots: readonly PromptedRow[], { prompt }: PromptedRow): PromptedRow['prompt'] {
  if (typeof prompt !== 'string') {
    const turns = shots.flatMap(({ prompt: given, reference }): Message[] => [
      ...(typeof given === 'string' ? [{ role: 'user', content: given }] : given),
      { role: 'assistant', content: reference },
    ])
    // One system message, the row's own, at the start.
    const system = prompt.filter(({ role }) => role === 'system')
    return [...system, ...[...turns, ...prompt].filter(({ role }) => role !== 'system')]
  }
  const solved = shots.map((shot) => `${textOfPrompt(shot.prompt)}${joint(shot)}${shot.reference.trim()}`)
  return [...solved, prompt].join(shotEnd)
}

/** What stands between solved examples, and so ends the model's own answer. */
export const shotEnd = '\n\n'

/** Prompt and answer as they stand, a blank between them where there is none. */
function joint({ prompt, reference }: PromptedRow): string {
  if (/\s$/.test(textOfPrompt(prompt))) return ''
  return /^\s/.exec(reference)?.[0] ?? '\n'
}

export function textOfPrompt(prompt: PromptedRow['prompt']): string {
  if (typeof prompt === 'string') return prompt
  return prompt.map(({ role, content }) => `${role}: ${typeof content === 'string' ? content : ''}`).join('\n')
}

/** A row as one reads it: what the model gets to see. */
export function textsOf(row: DatasetRow): { readonly text: string; readonly textPair?: string } {
  if ('question' in row) return { text: row.question, textPair: row.context }
  if ('anchor' in row) return { text: row.anchor, textPair: row.positive }
  if ('tokens' in row) return { text: row.tokens.join(' ') }
  if ('text' in row) {
    const pair = 'text_pair' in row ? row.text_pair : undefined
    return pair === undefined ? { text: row.text } : { text: row.text, textPair: pair }
  }
  if ('messages' in row) return { text: textOfPrompt(row.messages) }
  return { text: 'prompt' in row ? textOfPrompt(row.prompt) : row.source }
}
