/** `attune generate --data`: prompts of a file, a JSON line for each answer. */
import { AttuneError } from '../errors.js'
import { generateBatch } from '../generate/generate.js'
import { settleGenerateOptions, type GenerateOptions, type Prompt } from '../generate/generate-options.js'
import type { LoadOptions } from '../models/model-options.js'
import { Model } from '../models/model.js'
import type { Message } from '../tokenizer/message.js'
import { watchedHub } from './download-report.js'
import { textField } from './input-options.js'
import type { InputRow } from './input-rows.js'
import { watchInterrupts } from './interruption.js'
import { lineWriter } from './line-writer.js'
import type { Terminal } from './terminal.js'

interface AnswerRowsOptions {
  readonly chat: boolean
  readonly system: string | undefined
  readonly output: string | undefined
}

interface PromptRow {
  readonly prompt: Prompt | AttuneError
  readonly place: { readonly origin: string; readonly id?: unknown }
}

export async function answerRows(
  rows: AsyncIterable<InputRow>,
  directory: string,
  load: LoadOptions,
  options: GenerateOptions,
  { chat, system, output }: AnswerRowsOptions,
  terminal: Terminal,
): Promise<void> {
  using interruption = watchInterrupts(() => terminal.err('\nstopping …\n'))
  await using model = await Model.load(directory, { ...load, hub: watchedHub(terminal, interruption.signal) })
  await using writer = await lineWriter(output, terminal)
  const { batchSize } = settleGenerateOptions(options)
  let [done, failed] = [0, 0]
  const write = async (row: PromptRow, answer: object): Promise<void> => {
    const { prompt } = row
    const asked = typeof prompt === 'string' ? { prompt } : Array.isArray(prompt) ? { messages: prompt } : {}
    await writer.write(`${JSON.stringify({ ...row.place, ...asked, ...answer })}\n`)
  }
  const answer = async (batch: readonly PromptRow[]): Promise<void> => {
    const good = batch.filter(({ prompt }) => !(prompt instanceof AttuneError))
    const prompts = good.flatMap(({ prompt }) => (prompt instanceof AttuneError ? [] : [prompt]))
    const answers = await generateBatch(model, prompts, { ...options, signal: interruption.signal })
    const each = answers.length / Math.max(good.length, 1)
    for (const row of batch) {
      done++
      if (row.prompt instanceof AttuneError) {
        failed++
        const { code, message } = row.prompt
        terminal.err(`error: ${message}\n`)
        await write(row, { error: { code, message } })
        continue
      }
      const at = good.indexOf(row)
      for (const { text, finishReason, score } of answers.slice(at * each, (at + 1) * each)) {
        await write(row, { text, finishReason, ...(score !== undefined && { score }) })
      }
    }
  }
  let batch: PromptRow[] = []
  for await (const row of rows) {
    batch.push(promptRow(row, chat, system))
    if (batch.length < batchSize) continue
    await answer(batch)
    batch = []
  }
  if (batch.length > 0) await answer(batch)
  if (done === 0) throw new AttuneError('empty-dataset', 'there are no rows', { where: 'data' })
  if (failed > 0) {
    const message = `${failed} of ${done} rows could not be read; what was wrong stands above, and in their lines`
    throw new AttuneError('invalid-input', message, { where: 'data' })
  }
}

/** A text, its `prompt`, its `source` for what translates, or a conversation. */
function promptRow({ value, origin }: InputRow, chat: boolean, system: string | undefined): PromptRow {
  if (value instanceof AttuneError) return { prompt: value, place: { origin } }
  if (typeof value === 'string') return { prompt: promptOf(value, chat, system), place: { origin } }
  const place = { origin, ...(value.id !== undefined && { id: value.id }) }
  const { messages } = value
  if (Array.isArray(messages)) return { prompt: untilAnswer(messages as Message[]), place }
  const text = textField(value, 'source' in value ? 'source' : 'prompt', origin)
  if (text instanceof AttuneError) return { prompt: text, place }
  if (text.trim() === '') {
    return { prompt: new AttuneError('invalid-input', `${origin}: the prompt is empty`, { where: origin }), place }
  }
  return { prompt: promptOf(text, chat, system), place }
}

/** Rows to train on end with the answer, which is what is asked for here. */
function untilAnswer(messages: readonly Message[]): readonly Message[] {
  return messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages
}

export function promptOf(text: string, chat: boolean, system: string | undefined): Prompt {
  if (!chat && system !== undefined) {
    throw new AttuneError('invalid-option', '--system goes with --chat', { where: 'options.system' })
  }
  if (!chat) return text
  const first = system === undefined ? [] : [{ role: 'system', content: system }]
  return [...first, { role: 'user', content: text }]
}
