import { randomUUID } from 'node:crypto'

import { AttuneError } from '../errors.js'
import { Environment, Interpreter, type TemplateEnvironment, type TemplateProgram } from './jinja.js'
import type { Message, Tool } from './message.js'
import { strftime } from './strftime.js'
import {
  countGenerationTags,
  generationEndName,
  generationStartName,
  jsonDumpsForTemplate,
  jsonDumpsName,
  parseTemplate,
  tagsAreWrittenStraight,
} from './template-dialect.js'

/** A [start, end) range of a string, in UTF-16 units as `String.slice` counts. */
export type Span = readonly [start: number, end: number]

export interface ChatTemplateOptions {
  /** Tools the model may call, as JSON schema. Default: none. */
  readonly tools?: readonly Tool[] | undefined
  /** Documents for retrieval-augmented templates. Default: none. */
  readonly documents?: readonly Readonly<Record<string, unknown>>[] | undefined
  /** Ends the text where the assistant would begin to speak. Default: false. */
  readonly addGenerationPrompt?: boolean | undefined
  /** Cuts the text right after the last message's content, so that a model goes on with it. Default: false. */
  readonly continueFinalMessage?: boolean | undefined
  /** Further variables of the template, such as `enable_thinking` or `date_string`. Default: none. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined
}

export interface RenderedChat {
  readonly text: string
  /** What the template's `{% generation %}` blocks enclose; an empty range where one encloses nothing. */
  readonly spans: readonly Span[]
}

interface ParsedTemplate {
  readonly program: TemplateProgram
  /** What every rendering has; the interpreter writes variables into a scope above it. */
  readonly environment: TemplateEnvironment
  readonly tagsAreStraight: boolean
}

// In no conversation: nothing is looked through for it.
const mark = `\uE000${randomUUID()}`

/** A Jinja chat template, rendered as transformers renders it. */
export class ChatTemplate {
  /** Whether the template marks what the assistant says with `{% generation %}`. */
  readonly hasGenerationTags: boolean
  #parsed: ParsedTemplate | undefined

  /**
   * @param source the template's text; it is parsed when it is first rendered
   * @param specialTokens variables every rendering gets: `bos_token`, `eos_token`, …
   * @param where the file the template came from, for error messages
   */
  constructor(
    readonly source: string,
    readonly specialTokens: Readonly<Record<string, unknown>> = {},
    readonly where = 'chat template',
  ) {
    this.hasGenerationTags = countGenerationTags(source).opening > 0
  }

  /**
   * The conversation as the text the model reads.
   * @throws AttuneError 'invalid-chat-template' (it cannot be parsed), 'chat-template-failed' (it refuses these
   * messages, or a variable it needs is missing), 'invalid-option' (options that exclude each other)
   */
  render(messages: readonly Message[], options: ChatTemplateOptions = {}): string {
    if (options.continueFinalMessage !== true) return this.#run(messages, options, '', '')
    if (options.addGenerationPrompt === true) {
      throw new AttuneError(
        'invalid-option',
        'addGenerationPrompt starts a new message and continueFinalMessage goes on with the last one: choose one',
        { where: 'options.continueFinalMessage' },
      )
    }
    return cutAfterFinalMessage(this.#run(messages, options, '', ''), messages, this.where)
  }

  /**
   * The text, with the ranges that `{% generation %}` encloses (none where the template has no such blocks).
   * @throws AttuneError as `render`
   */
  renderWithSpans(messages: readonly Message[], options: ChatTemplateOptions = {}): RenderedChat {
    if (!this.hasGenerationTags) return { text: this.render(messages, options), spans: [] }
    // What is written straight is the same with the marks and without; all else is compared with what is rendered without them.
    const isStraight = this.#parse().tagsAreStraight && options.continueFinalMessage !== true
    const unmarked = isStraight ? undefined : this.render(messages, options)
    const { plain, spans } = takeOutMarks(this.#run(messages, options, `${mark}<`, `${mark}>`))
    const text = unmarked ?? plain
    if (!plain.startsWith(text)) {
      throw new AttuneError(
        'invalid-chat-template',
        `${this.where} changes what its {% generation %} blocks enclose after rendering them (a filter or a slice over ` +
          'the block), so it cannot be told which tokens the assistant wrote; put the tags outside',
        { where: this.where },
      )
    }
    const within = (at: number): number => Math.min(at, text.length)
    return { text, spans: spans.map(([start, end]): Span => [within(start), within(end)]) }
  }

  #run(messages: readonly Message[], options: ChatTemplateOptions, start: string, end: string): string {
    const { program, environment: shared } = this.#parse()
    const variables: Record<string, unknown> = {
      tools: options.tools ?? null,
      documents: options.documents ?? null,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...options.variables,
      messages: messages.map((message) => this.#asRead(message)),
      [generationStartName]: start,
      [generationEndName]: end,
    }
    try {
      const environment = new Environment(shared)
      for (const [name, value] of Object.entries(variables)) environment.set(name, value)
      return String(new Interpreter(environment).run(program).value)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const told =
        cause instanceof RaisedByTemplate ? 'the chat template refuses the conversation' : 'the chat template failed'
      throw new AttuneError('chat-template-failed', `${told}: ${reason} (${this.where})`, { where: this.where, cause })
    }
  }

  /**
   * The message as templates know it: without what is null, without `weight`, which is for training, and with 'system' for
   * 'developer' (OpenAI's newer name of the same) where the template has no such role.
   */
  #asRead(message: Message): Record<string, unknown> {
    const given = Object.entries(message).filter(([key, value]) => (value ?? null) !== null && key !== 'weight')
    const renamed = message.role === 'developer' && !this.source.includes('developer')
    return { ...Object.fromEntries(given), ...(renamed && { role: 'system' }) }
  }

  #parse(): ParsedTemplate {
    if (this.#parsed !== undefined) return this.#parsed
    const { opening, closing } = countGenerationTags(this.source)
    try {
      if (opening !== closing) {
        throw new SyntaxError(`${opening} {% generation %} tags and ${closing} {% endgeneration %} tags`)
      }
      const program = parseTemplate(this.source)
      const environment = new Environment()
      for (const [name, value] of Object.entries({ ...globals, ...this.specialTokens })) environment.set(name, value)
      return (this.#parsed = { program, environment, tagsAreStraight: tagsAreWrittenStraight(program) })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new AttuneError('invalid-chat-template', `${this.where} is no valid chat template: ${reason}`, {
        where: this.where,
        cause,
      })
    }
  }
}

/** What a template's own `raise_exception` throws. */
class RaisedByTemplate extends Error {}

const globals: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: (first: number, second?: number, step = 1): number[] => {
    const [start, stop] = second === undefined ? [0, first] : [first, second]
    if (step === 0) throw new RangeError('range() arg 3 must not be zero')
    return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, index) => start + index * step)
  },
  raise_exception: (message: unknown): never => {
    throw new RaisedByTemplate(String(message))
  },
  strftime_now: (format: string): string => strftime(new Date(), format),
  [jsonDumpsName]: jsonDumpsForTemplate,
}

function takeOutMarks(marked: string): { readonly plain: string; readonly spans: readonly Span[] } {
  const spans: Span[] = []
  let plain = ''
  let open = 0
  let from = 0
  for (let at = marked.indexOf(mark); at >= 0; at = marked.indexOf(mark, from)) {
    plain += marked.slice(from, at)
    if (marked[at + mark.length] === '<') open = plain.length
    else spans.push([open, plain.length])
    from = at + mark.length + 1
  }
  return { plain: plain + marked.slice(from), spans }
}

function cutAfterFinalMessage(text: string, messages: readonly Message[], where: string): string {
  const content = messages.at(-1)?.content
  const parts = typeof content === 'string' ? [content] : (content ?? []).map((part) => part.text)
  const last = parts.filter((part) => part !== undefined).at(-1) ?? ''
  const at = text.lastIndexOf(last.trim())
  if (last.trim() === '' || at < 0) {
    throw new AttuneError(
      'chat-template-failed',
      `continueFinalMessage needs the last message's text in what the template writes, and it is not there (${where})`,
      { where },
    )
  }
  // Blanks after the message stay if the template kept them.
  const whole = last.trimStart()
  return text.slice(0, at + (text.startsWith(whole, at) ? whole.length : last.trim().length))
}
