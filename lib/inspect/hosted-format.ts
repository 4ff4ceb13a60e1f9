/**
 * What OpenAI's hosted fine-tuning asks of a file of conversations, as its cookbook checks it. attune takes more than that, so
 * these are notes: they matter to those who send the same file there.
 */
import type { DatasetRow } from '../data/rows.js'
import type { Message } from '../tokenizer/message.js'
import { counted } from './counted.js'
import type { Finding } from './finding.js'
import { Places } from './places.js'

const roles: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function'])
const messageKeys: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'function_call',
  'weight',
  'tool_calls',
  'tool_call_id',
  'refusal',
])
const fewestExamples = 10

export class HostedFormat {
  readonly #wrong = new Places()
  #rows = 0

  add(row: DatasetRow, origin: string): void {
    if (!('messages' in row)) return
    this.#rows++
    const what =
      row.messages.map(messageProblem).find((problem) => problem !== undefined) ?? conversationProblem(row.messages)
    if (what !== undefined) this.#wrong.note(origin, what)
  }

  findings(): Finding[] {
    if (this.#rows === 0) return []
    const { told, count } = this.#wrong
    const advice =
      'Only of interest if the file is to be sent to the hosted service too: attune trains on it all the same.'
    const few: Finding = {
      code: 'hosted-format',
      severity: 'note',
      message: `${counted(this.#rows, 'conversation')}: OpenAI's hosted fine-tuning takes no fewer than ${fewestExamples}.`,
      advice,
      where: [],
      count: this.#rows,
    }
    const wrong: Finding = {
      code: 'hosted-format',
      severity: 'note',
      message: `${counted(count, 'conversation')} would be refused by OpenAI's hosted fine-tuning.`,
      advice,
      ...told,
    }
    return [...(this.#rows < fewestExamples ? [few] : []), ...(count > 0 ? [wrong] : [])]
  }
}

function messageProblem(message: Message, at: number): string | undefined {
  const { role, content } = message
  const unknown = Object.keys(message).find((key) => !messageKeys.has(key))
  const calls = message['tool_calls'] !== undefined || message['function_call'] !== undefined
  if (!roles.has(role)) return `messages[${at}].role is '${role}'`
  if (unknown !== undefined) return `messages[${at}] has the field ${unknown}`
  if ((content ?? '') === '' && !calls) return `messages[${at}] has no content`
  const { weight } = message
  if (weight !== undefined && (role !== 'assistant' || (weight !== 0 && weight !== 1))) {
    return `messages[${at}].weight: only the assistant has one, 0 or 1`
  }
  return undefined
}

function conversationProblem(messages: readonly Message[]): string | undefined {
  if (!messages.some(({ role }) => role === 'assistant')) return 'no message of the assistant'
  return messages.at(-1)?.role === 'assistant' ? undefined : 'the last message is not the assistant’s'
}
