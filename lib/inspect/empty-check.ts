import type { DatasetRow } from '../data/rows.js'
import type { Message } from '../tokenizer/message.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import { Places } from './places.js'

/** Rows that can be read, but in which nothing is said where something should be. */
export class EmptyCheck {
  readonly #empty = new Places()

  add(row: DatasetRow, origin: string): void {
    const what = emptyPart(row)
    if (what !== undefined) this.#empty.note(origin, `${what} is empty`)
  }

  findings(): Finding[] {
    const { told, count } = this.#empty
    if (count === 0) return []
    const message = countedThat(
      count,
      'row',
      'have an empty text where the model should learn to write or read something.',
    )
    const advice = 'Fill them or leave them out: the model learns to say nothing.'
    return [{ code: 'empty-texts', severity: 'warning', message, advice, ...told }]
  }
}

function emptyPart(row: DatasetRow): string | undefined {
  if ('messages' in row) {
    const at = row.messages.findIndex((message) => isEmpty(message) && message.role !== 'system')
    return at < 0 ? undefined : `messages[${at}].content`
  }
  const fields = Object.entries(row).filter(([name]) => name === 'text' || name === 'completion' || name === 'chosen')
  return fields.find(([, value]) => typeof value === 'string' && value.trim() === '')?.[0]
}

function isEmpty({ content, ...rest }: Message): boolean {
  const says = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? part.type).join('')
  return says.trim() === '' && rest['tool_calls'] === undefined && rest['function_call'] === undefined
}
