import { AttuneError } from '../errors.js'
import { renderWithAssistantSpans, tokensInSpans } from '../tokenizer/assistant-spans.js'
import type { RenderedChat } from '../tokenizer/chat-template.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import type { MessagesRow, PromptCompletionRow, ShapeName, TextRow } from './shapes.js'

/** What the model is trained to write; other tokens are only read. */
export type LossOn = 'all' | 'completion' | 'assistant' | 'last-assistant'

export interface EncodedRow {
  readonly ids: Int32Array
  /** For each token whether it carries loss. */
  readonly isTarget: readonly boolean[]
}

export interface RowEncoderOptions {
  readonly loss: LossOn
  readonly appendEos: boolean
  readonly variables: Readonly<Record<string, unknown>> | undefined
}

type RowEncoder = (dataset: Dataset, tokenizer: Tokenizer, options: RowEncoderOptions) => Promise<EncodedRow[]>

/** How rows of each shape become tokens. */
export const rowEncoders: Readonly<Record<ShapeName, RowEncoder>> = {
  text: encodeText,
  'prompt-completion': encodePromptCompletion,
  messages: encodeMessages,
}

async function encodeText(dataset: Dataset, tokenizer: Tokenizer, options: RowEncoderOptions): Promise<EncodedRow[]> {
  const rows = dataset.rows as readonly TextRow[]
  const encoded = await tokenizer.encodeBatch(rows.map(({ text }) => text))
  return encoded.map((ids) => {
    const ended = withEos([...ids], tokenizer, options.appendEos)
    return { ids: Int32Array.from(ended), isTarget: ended.map(() => true) }
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
  const prompts = await tokenizer.encodeBatchWithOffsets(rows.map(({ prompt }) => prompt))
  const completions = await tokenizer.encodeBatch(
    rows.map(({ completion }) => completion),
    { addSpecialTokens: false },
  )
  return prompts.map((prompt, index) => {
    // What the tokenizer puts after a text (an eos, a [SEP]) has no place between prompt and completion.
    let promptLength = prompt.ids.length
    while (promptLength > 0 && prompt.sequenceIds[promptLength - 1] === null) promptLength--
    if (promptLength === 0) promptLength = leadingAdded(prompt.ids, tokenizer)
    const completion = withEos([...(completions[index] ?? [])], tokenizer, options.appendEos)
    const ids = Int32Array.from([...prompt.ids.slice(0, promptLength), ...completion])
    return { ids, isTarget: Array.from(ids, (_, at) => options.loss === 'all' || at >= promptLength) }
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
  return encoded.map(({ ids, offsets }, index) => {
    const { text, spans } = chats[index] ?? { text: '', spans: [] }
    const isTarget = options.loss === 'all' ? offsets.map(() => true) : tokensInSpans(text, offsets, spans)
    return { ids, isTarget }
  })
}

function renderRow(row: MessagesRow, origin: string, tokenizer: Tokenizer, options: RowEncoderOptions): RenderedChat {
  const templateOptions = { tools: row.tools, variables: options.variables }
  const template = tokenizer.chatTemplateFor(templateOptions)
  try {
    if (options.loss === 'all') return { text: template.render(row.messages, templateOptions), spans: [] }
    const turns = options.loss === 'last-assistant' ? 'last' : 'all'
    return renderWithAssistantSpans(template, row.messages, templateOptions, turns)
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    throw new AttuneError(error.code, `${origin}: ${error.message}`, { where: origin, cause: error })
  }
}

/** How many of the ids that stand alone around an empty text come before it: those up to the eos that closes it. */
function leadingAdded(ids: Int32Array, tokenizer: Tokenizer): number {
  const last = ids.at(-1)
  return last !== undefined && last !== tokenizer.bosTokenId ? ids.length - 1 : ids.length
}

function withEos(ids: number[], tokenizer: Tokenizer, append: boolean): number[] {
  const eos = tokenizer.eosTokenId
  if (append && eos !== undefined && ids.at(-1) !== eos) ids.push(eos)
  return ids
}
