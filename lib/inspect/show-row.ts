import type { Dataset } from '../data/dataset.js'
import { encodeForTask } from '../data/encode-for-task.js'
import type { DatasetRow } from '../data/rows.js'
import { showExample } from '../data/show-example.js'
import { AttuneError } from '../errors.js'
import type { CheckSettings } from './data-inspection.js'
import { partsOf } from './row-texts.js'

export interface ShownPiece {
  readonly text: string
  /** Whether the model learns to write it. */
  readonly trained: boolean
}

/** An example as the model reads it. */
export interface ShownExample {
  readonly origin: string
  readonly pieces: readonly ShownPiece[]
  /** What is to be predicted, where that is no part of the text. */
  readonly answer?: string
}

/** A row as it becomes an example; undefined where it cannot. */
export async function showRow(rows: Dataset, settings: CheckSettings): Promise<ShownExample | undefined> {
  const [row] = rows.rows
  const [origin = ''] = rows.origins
  if (row === undefined) return undefined
  const { tokenizer, task, lossOn } = settings
  if (tokenizer === undefined || task !== 'causal-lm') return { origin, ...asWritten(row) }
  try {
    const { examples } = await encodeForTask(task, rows, tokenizer, { loss: lossOn })
    const [example] = examples
    if (example === undefined) return undefined
    const pieces = await showExample(example, tokenizer, { task })
    return { origin, pieces }
  } catch (error) {
    if (error instanceof AttuneError) return undefined
    throw error
  }
}

/** Where nothing is known of tokens, or labels are no tokens. */
function asWritten(row: DatasetRow): Omit<ShownExample, 'origin'> {
  if ('messages' in row) {
    const pieces = row.messages.map(({ role, content }) => ({
      text: `${role}: ${typeof content === 'string' ? content : JSON.stringify(content)}\n`,
      trained: role === 'assistant',
    }))
    return { pieces }
  }
  if ('completion' in row && typeof row.completion === 'string' && typeof row.prompt === 'string') {
    return {
      pieces: [
        { text: row.prompt, trained: false },
        { text: row.completion, trained: true },
      ],
    }
  }
  if ('text' in row && Object.keys(row).length === 1) return { pieces: [{ text: row.text, trained: true }] }
  const { input, answer } = partsOf(row)
  const shown = (value: unknown): string => {
    const fields = value as readonly (readonly [string, unknown])[]
    return fields.map(([name, held]) => `${name}: ${typeof held === 'string' ? held : JSON.stringify(held)}`).join('\n')
  }
  return { pieces: [{ text: shown(input), trained: false }], answer: shown(answer) }
}
