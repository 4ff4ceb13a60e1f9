import { AttuneError } from '../errors.js'
import { renderWithAssistantSpans, tokenRanges } from '../tokenizer/assistant-spans.js'
import type { Span } from '../tokenizer/chat-template.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import type { MessagesRow, PromptCompletionRow, TextRow } from './rows.js'

/** What the model is trained to write; other tokens are only read. */
export type LossOn = 'all' | 'completion' | 'assistant' | 'last-assistant'

/** The label of a token without loss. */
export const ignoredLabel = -100

export interface EncodedRow {
  readonly inputIds: Int32Array
  /** The id where the token carries loss, -100 elsewhere. */
  readonly labels: Int32Array
}

export interface RowEncoderOptions {
  readonly loss: LossOn
  readonly appendEos: boolean
  readonly variables: Readonly<Record<string, unknown>> | undefined
}

type RowEncoder = (dataset: Dataset, tokenizer: Tokenizer, options: RowEncoderOptions) => Promise<EncodedRow[]>

/** The shapes that a causal model is trained on. */
export const causalShapes = ['messages', 'prompt-completion', 'text'] as const

export type CausalShape = (typeof causalShapes)[number]

/** How rows of each shape become tokens. */
export const rowEncoders: Readonly<Record<CausalShape, RowEncoder>> = {
  text: encodeText,
  'prompt-completion': encodePromptCompletion,
  messages: encodeMessages,
}

async function encodeText(dataset: Dataset, tokenizer: Tokenizer, options: RowEncoderOptions): Promise<EncodedRow[]> {
  const rows = dataset.rows as readonly TextRow[]
  const encoded = await tokenizer.encodeBatch(rows.map(({ text }) => text))
  return encoded.map((ids) => {
    const inputIds = joined([ids], eosFor(tokenizer, options))
    return { inputIds, labels: inputIds.slice() }
  })
}

/**
 * Prompt and completion are tokenized apart, so that no token spans the border and generation from the prompt sees
 * the ids that training saw.
 */
async function encodePromptCompletion(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: RowEncoderOptions,
): Promise<EncodedRow[]> {
  const rows = dataset.rows as readonly PromptCompletionRow[]
  const prompts = await tokenizer.encodeBatch(rows.map(({ prompt }) => prompt))
  const completions = await tokenizer.encodeBatch(
    rows.map(({ completion }) => completion),
    { addSpecialTokens: false },
  )
  // What the tokenizer puts after a text (an eos, a [SEP]) has no place between prompt and completion.
  const { after } = await tokenizer.addedTokenCounts()
  return prompts.map((ids, index) => {
    const prompt = ids.subarray(0, ids.length - after)
    const inputIds = joined([prompt, completions[index] ?? new Int32Array()], eosFor(tokenizer, options))
    const labels = inputIds.slice()
    if (options.loss !== 'all') labels.fill(ignoredLabel, 0, prompt.length)
    return { inputIds, labels }
  })
}

async function encodeMessages(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: RowEncoderOptions,
): Promise<EncodedRow[]> {
  const rows = dataset.rows as readonly MessagesRow[]
  const chats = rows.map((row, index) => renderRow(row, dataset.origins[index] ?? '', tokenizer, options))
  const encoded = await tokenizer.encodeBatchWithOffsets(
    chats.map(({ text }) => text),
    { addSpecialTokens: false },
  )
  return encoded.map(({ ids, offsetAt, tokenAt }, index) => {
    const { text, spans } = chats[index] ?? { text: '', spans: [] }
    if (spans === 'all') return { inputIds: ids, labels: ids.slice() }
    const labels = new Int32Array(ids.length).fill(ignoredLabel)
    const places = { tokens: ids.length, offsetAt, tokenAt }
    for (const [from, to] of tokenRanges(text, places, spans)) labels.set(ids.subarray(from, to), from)
    return { inputIds: ids, labels }
  })
}

/** A conversation's text, and what of it carries loss. */
interface TrainedChat {
  readonly text: string
  readonly spans: readonly Span[] | 'all'
}

function renderRow(row: MessagesRow, origin: string, tokenizer: Tokenizer, options: RowEncoderOptions): TrainedChat {
  const templateOptions = { tools: row.tools, variables: options.variables }
  const template = tokenizer.chatTemplateFor(templateOptions)
  try {
    const { messages } = row
    const turns = messages.flatMap(({ role }, index) => (role === 'assistant' ? [index] : []))
    const isSilent = (index: number): boolean => messages[index]?.weight === 0
    if (options.loss === 'all') {
      const silent = turns.filter(isSilent)
      if (silent.length === 0) return { text: template.render(messages, templateOptions), spans: 'all' }
      const { text, spans } = renderWithAssistantSpans(template, messages, templateOptions, silent)
      return { text, spans: between(spans, text.length) }
    }
    const wanted = options.loss === 'last-assistant' ? turns.slice(-1) : turns
    return renderWithAssistantSpans(
      template,
      messages,
      templateOptions,
      wanted.filter((index) => !isSilent(index)),
    )
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    throw new AttuneError(error.code, `${origin}: ${error.message}`, { where: origin, cause: error })
  }
}

/** What is left of a text of this length. */
function between(spans: readonly Span[], length: number): Span[] {
  const starts = [0, ...spans.map(([, end]) => end)]
  const ends = [...spans.map(([start]) => start), length]
  return starts.map((start, at): Span => [start, ends[at] ?? length]).filter(([start, end]) => start < end)
}

/** The id that ends an example, where one is wanted and the tokenizer has one. */
function eosFor(tokenizer: Tokenizer, options: RowEncoderOptions): number | undefined {
  return options.appendEos ? tokenizer.eosTokenId : undefined
}

/** The parts in one, with `eos` at the end unless the last part ends with it already. */
function joined(parts: readonly Int32Array[], eos: number | undefined): Int32Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const needsEos = eos !== undefined && parts.at(-1)?.at(-1) !== eos
  const ids = new Int32Array(length + (needsEos ? 1 : 0))
  let at = 0
  for (const part of parts) {
    ids.set(part, at)
    at += part.length
  }
  if (needsEos) ids[at] = eos
  return ids
}
