import { AttuneError } from '../errors.js'
import type { ChatTemplate, ChatTemplateOptions, RenderedChat, Span } from './chat-template.js'
import type { Message } from './message.js'

/**
 * The conversation's text and what the assistant wrote in it: by the template's `{% generation %}` tags, else by
 * rendering the conversation up to each assistant message (with the generation prompt) and up to its end. `turns`
 * 'last' looks only at the last assistant message, which more templates without tags allow; a list of indices only at those
 * messages.
 * @throws AttuneError 'invalid-chat-template' where the template has no tags and writes earlier messages otherwise
 * once more follow; 'chat-template-failed' where it refuses the conversation
 */
export function renderWithAssistantSpans(
  template: ChatTemplate,
  messages: readonly Message[],
  options: ChatTemplateOptions = {},
  turns: 'all' | 'last' | readonly number[] = 'all',
): RenderedChat {
  const all = messages.flatMap((message, index) => (message.role === 'assistant' ? [index] : []))
  const wanted = turns === 'all' ? all : turns === 'last' ? all.slice(-1) : turns
  const { text, spans } = template.hasGenerationTags
    ? taggedSpans(template, messages, options, { all, wanted })
    : foundSpans(template, messages, options, wanted)
  return { text, spans: spans.filter(([start, end]) => start < end) }
}

interface Turns {
  /** Indices of the assistant's messages. */
  readonly all: readonly number[]
  /** Those of them that are asked for. */
  readonly wanted: readonly number[]
}

function taggedSpans(
  template: ChatTemplate,
  messages: readonly Message[],
  options: ChatTemplateOptions,
  { all, wanted }: Turns,
): RenderedChat {
  const { text, spans } = template.renderWithSpans(messages, options)
  if (wanted.length === all.length) return { text, spans }
  // Mostly a block for each message of the assistant.
  if (spans.length === all.length) return { text, spans: spans.filter((_, at) => wanted.includes(all[at] ?? -1)) }
  const regions = foundSpans(template, messages, options, wanted).spans
  return { text, spans: spans.filter(([from, to]) => regions.some(([start, end]) => from >= start && to <= end)) }
}

function foundSpans(
  template: ChatTemplate,
  messages: readonly Message[],
  options: ChatTemplateOptions,
  wanted: readonly number[],
): RenderedChat {
  const text = template.render(messages, options)
  const spans = wanted.map((index) => spanOfMessage(template, messages, index, options, text))
  spans.forEach(([start], at) => {
    if (start >= (spans[at - 1]?.[1] ?? 0)) return
    throw unsound(template, wanted[at] ?? 0, 'it is written before the end of an earlier one')
  })
  return { text, spans }
}

function unsound({ where }: ChatTemplate, index: number, what: string, cause?: unknown): AttuneError {
  return new AttuneError(
    'invalid-chat-template',
    `cannot tell the assistant's words apart: ${what} (messages[${index}], ${where}); put {% generation %} and ` +
      "{% endgeneration %} around them in the template, or train on loss 'last-assistant' or 'all'",
    { where, cause },
  )
}

function spanOfMessage(
  template: ChatTemplate,
  messages: readonly Message[],
  index: number,
  options: ChatTemplateOptions,
  text: string,
): Span {
  const refuse = (what: string, cause?: unknown): AttuneError => unsound(template, index, what, cause)
  let before: string
  let after: string
  try {
    before = template.render(messages.slice(0, index), { ...options, addGenerationPrompt: true })
    after = template.render(messages.slice(0, index + 1), { ...options, addGenerationPrompt: false })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw refuse(`the template does not render the conversation up to this message: ${reason}`, cause)
  }
  if (!text.startsWith(before)) throw refuse('with the generation prompt the text before this message is another')
  // Some templates (Phi-3) close every conversation with eos: it is no part of a message in the middle.
  const eos = template.specialTokens['eos_token']
  const withoutEos = typeof eos === 'string' && after.endsWith(eos) ? after.slice(0, -eos.length) : after
  const end = [after, withoutEos].find((prefix) => text.startsWith(prefix))
  if (end === undefined) throw refuse('the text up to this message changes once more messages follow')
  if (end.length < before.length) throw refuse('the message ends before the generation prompt does')
  return [before.length, end.length]
}

/** Where the tokens of a text stand, in code points. */
export interface TokenPlaces {
  readonly tokens: number
  readonly offsetAt: (token: number) => readonly [start: number, end: number]
  /** The token that a code point is in, where it is in one. It saves looking for it. */
  readonly tokenAt?: ((point: number) => number | undefined) | undefined
}

/** For each token whether it lies in a span, from its offsets (in code points) in the text. */
export function tokensInSpans(
  text: string,
  offsets: readonly (readonly [number, number])[],
  spans: readonly Span[],
): boolean[] {
  const inside = new Array<boolean>(offsets.length).fill(false)
  const places = { tokens: offsets.length, offsetAt: (token: number) => offsets[token] ?? ([0, 0] as const) }
  for (const [from, to] of tokenRanges(text, places, spans)) inside.fill(true, from, to)
  return inside
}

/**
 * The tokens of each span, from the first that reaches into it to the first that begins behind it. Tokens stand in the order of the
 * text, so the offsets of a few say where a range begins and ends.
 */
export function tokenRanges(text: string, { tokens, offsetAt, tokenAt }: TokenPlaces, spans: readonly Span[]): Span[] {
  // Tokenizers that trim offsets leave nothing of a token that is a blank: it is the character before `end`.
  const startOf = (token: number): number => {
    const [start, end] = offsetAt(token)
    return start === end ? Math.max(end - 1, 0) : start
  }
  const endOf = (token: number): number => {
    const [start, end] = offsetAt(token)
    return start === end ? Math.max(end, 1) : end
  }
  let after = 0
  return codePointSpans(text, spans).map(([start, end]): Span => {
    const from = firstToken([after, tokens], tokenAt?.(start), (token) => endOf(token) > start)
    after = firstToken([from, tokens], tokenAt?.(end), (token) => startOf(token) >= end)
    return [from, after]
  })
}

/** The first token of a range of which something is true that is true of all later ones; it is looked for near `near` first. */
function firstToken(
  [from, to]: readonly [number, number],
  near: number | undefined,
  isTrue: (token: number) => boolean,
): number {
  let [low, high] = [from, to]
  if (near !== undefined && near > from && near < to) {
    if (!isTrue(near)) low = near + 1
    else if (isTrue(near - 1)) high = near - 1
    else return near
    // Several tokens may make up a character.
    if (low < high && isTrue(low)) return low
  }
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isTrue(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Ranges in UTF-16 units as ranges in code points; the spans come in order and do not overlap. */
function codePointSpans(text: string, spans: readonly Span[]): readonly Span[] {
  let unit = 0
  let point = 0
  const toPoint = (target: number): number => {
    while (unit < target) {
      unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1
      point++
    }
    return point
  }
  return spans.map(([start, end]): Span => [toPoint(start), toPoint(end)])
}
