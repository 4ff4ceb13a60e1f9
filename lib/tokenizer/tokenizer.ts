import { createHash } from 'node:crypto'
import { join } from 'node:path'

import { Tokenizer as NativeTokenizer, type JsEncoding } from 'tokenizers'

import { AttuneError } from '../errors.js'
import type { HubSourceOptions } from '../hub/local-copy.js'
import { ChatTemplate, type ChatTemplateOptions } from './chat-template.js'
import { chooseChatTemplate } from './choose-chat-template.js'
import { DecodeStream } from './decode-stream.js'
import { NativeEncodedText, type EncodedText } from './encoded-text.js'
import type { Message } from './message.js'
import { readTokenizerConfig, type SpecialTokenName, type TokenizerConfig } from './tokenizer-config.js'
import { addedTokensOf, withAddedTokens, type AddedToken } from './added-tokens.js'
import { copyTokenizerFiles, readTextIfThere, writeTokenizerFile } from './tokenizer-files.js'
import { tokenizerDirectory } from './tokenizer-source.js'

export type { EncodedText }

export interface EncodeOptions {
  /** Whether the tokens that the tokenizer adds around a text (BOS, [CLS], …) are added. Default: true. */
  readonly addSpecialTokens?: boolean | undefined
}

export interface DecodeOptions {
  /** Whether special tokens are left out of the text. Default: true. */
  readonly skipSpecialTokens?: boolean | undefined
}

/** What training on spans of a text needs of each token. */
export interface IdsWithOffsets extends Pick<EncodedText, 'ids' | 'offsets'> {
  /** Where one token stands. Some of these cost far less than the list of all, which is copied out of the library. */
  readonly offsetAt: (token: number) => readonly [start: number, end: number]
  /** The first token that a code point of the text is in. */
  readonly tokenAt: (point: number) => number | undefined
}

// A native call's results are copied out on the main thread, some 100 ns a number: about 10 ms for this much text.
const charactersPerCall = 1 << 18

/** A Hugging Face tokenizer: the Rust library on tokenizer.json, and what the files beside it say. */
export class Tokenizer {
  /** All tokens, the added ones included. */
  readonly vocabSize: number
  /** `model_max_length` of tokenizer_config.json, undefined where it sets no limit. */
  readonly modelMaxLength: number | undefined
  /** Special tokens by Hugging Face's names, such as `eos_token`. */
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenName, string>>>
  readonly bosTokenId: number | undefined
  readonly eosTokenId: number | undefined
  readonly padTokenId: number | undefined
  readonly unkTokenId: number | undefined
  readonly clsTokenId: number | undefined
  readonly maskTokenId: number | undefined
  /** What ends a generated text: the tokenizer's eos and those of generation_config.json. */
  readonly eosTokenIds: readonly number[]
  /** The default chat template, undefined where the tokenizer has none. */
  readonly chatTemplate: ChatTemplate | undefined

  /** Digest of all that decides which ids a text or a conversation becomes. */
  readonly fingerprint: string

  readonly #native: NativeTokenizer
  /** Of tokenizer.json, with what was added to it. */
  readonly #json: string
  readonly #config: TokenizerConfig
  readonly #isExtended: boolean
  readonly #chatTemplates: ReadonlyMap<string, ChatTemplate>
  #turnEndIds: Promise<readonly number[]> | undefined
  #addedTokenCounts: Promise<{ readonly before: number; readonly after: number }> | undefined

  private constructor(
    readonly directory: string,
    json: string,
    config: TokenizerConfig,
    isExtended = false,
  ) {
    const native = parsed(json, join(directory, 'tokenizer.json'))
    this.#native = native
    this.#json = json
    this.#config = config
    this.#isExtended = isExtended
    this.fingerprint = fingerprintOf(json, config)
    this.vocabSize = native.getVocabSize(true)
    this.modelMaxLength = config.modelMaxLength
    this.specialTokens = config.specialTokens
    this.bosTokenId = this.#specialTokenId('bos_token')
    this.eosTokenId = this.#specialTokenId('eos_token')
    this.padTokenId = this.#specialTokenId('pad_token')
    this.unkTokenId = this.#specialTokenId('unk_token')
    this.clsTokenId = this.#specialTokenId('cls_token')
    this.maskTokenId = this.#specialTokenId('mask_token')
    const eos = this.eosTokenId === undefined ? [] : [this.eosTokenId]
    this.eosTokenIds = [...new Set([...eos, ...config.generationEosTokenIds])]
    this.#chatTemplates = new Map(
      [...config.chatTemplates].map(([name, { source, where }]) => [
        name,
        new ChatTemplate(source, config.specialTokens, where),
      ]),
    )
    this.chatTemplate = this.#chatTemplates.get('default')
  }

  /**
   * Loads the tokenizer of a model directory, or of a model of the Hub by its id: tokenizer.json, and where they are there tokenizer_config.json,
   * special_tokens_map.json, generation_config.json, chat_template.jinja or chat_template.json.
   * Truncation and padding that tokenizer.json asks for are switched off: lengths are decided where data is encoded.
   * @throws AttuneError 'invalid-tokenizer' naming the missing or broken file
   */
  static async load(source: string, options: HubSourceOptions = {}): Promise<Tokenizer> {
    const directory = await tokenizerDirectory(source, options)
    const path = join(directory, 'tokenizer.json')
    const [text, config] = await Promise.all([readTextIfThere(path), readTokenizerConfig(directory)])
    if (text === undefined) {
      throw new AttuneError(
        'invalid-tokenizer',
        `${path} does not exist; a tokenizer in another form (vocab.json, tokenizer.model, …) has to be saved as ` +
          'tokenizer.json first, as save_pretrained of a transformers fast tokenizer does',
        { where: path },
      )
    }
    return new Tokenizer(directory, text, config)
  }

  /**
   * A tokenizer that knows these tokens too; those it knows already stay as they are. New ones get the ids after the last.
   * @throws AttuneError 'invalid-option' for a token of nothing but white space
   */
  withAddedTokens(tokens: readonly (string | AddedToken)[]): Tokenizer {
    const { json, added } = withAddedTokens(this.#json, tokens, this.vocabSize, (token) => this.#knows(token))
    return added.size === 0 ? this : new Tokenizer(this.directory, json, this.#config, true)
  }

  /** The tokens that the tokenizer in `directory` has beyond this one's. */
  async addedIn(directory: string): Promise<readonly AddedToken[]> {
    const json = await readTextIfThere(join(directory, 'tokenizer.json'))
    return json === undefined ? [] : addedTokensOf(json, (token) => this.#knows(token))
  }

  /** The ids of a text. */
  async encode(text: string, options: EncodeOptions = {}): Promise<Int32Array> {
    return idsOf(await this.#native.encode(text, null, nativeOptions(options)))
  }

  /** The ids of each text, worked out on the library's own threads. */
  async encodeBatch(texts: readonly string[], options: EncodeOptions = {}): Promise<Int32Array[]> {
    return this.#encodeChunks(texts, options, idsOf)
  }

  /** A text (or a pair of texts) with tokens, offsets and types beside the ids. */
  async encodeWithOffsets(
    text: string,
    options: EncodeOptions & { readonly pair?: string } = {},
  ): Promise<EncodedText> {
    return new NativeEncodedText(await this.#native.encode(text, options.pair ?? null, nativeOptions(options)))
  }

  /** Each text or pair of texts with all that is known of its tokens; a list is copied each time it is read. */
  async encodeBatchInFull(
    texts: readonly (string | readonly [text: string, pair: string])[],
    options: EncodeOptions = {},
  ): Promise<EncodedText[]> {
    const singles = texts.filter((text) => typeof text === 'string')
    if (singles.length === texts.length) {
      return this.#encodeChunks(singles, options, (encoding) => new NativeEncodedText(encoding))
    }
    // The binding takes no batches of pairs.
    return Promise.all(
      texts.map((text) => {
        const [first, pair] = typeof text === 'string' ? [text] : text
        return this.encodeWithOffsets(first, pair === undefined ? options : { ...options, pair })
      }),
    )
  }

  /** The ids of each text, and where in it they stand. */
  async encodeBatchWithOffsets(texts: readonly string[], options: EncodeOptions = {}): Promise<IdsWithOffsets[]> {
    return this.#encodeChunks(texts, options, withOffsets)
  }

  /** How many tokens the tokenizer adds before and after a text: 1 and 0 for a BOS, 0 and 1 for a closing eos. */
  addedTokenCounts(): Promise<{ readonly before: number; readonly after: number }> {
    return (this.#addedTokenCounts ??= this.encodeWithOffsets('a').then(({ sequenceIds }) => {
      const before = sequenceIds.findIndex((id) => id !== null)
      const last = sequenceIds.findLastIndex((id) => id !== null)
      return { before: Math.max(before, 0), after: before < 0 ? 0 : sequenceIds.length - 1 - last }
    }))
  }

  /**
   * The text of ids.
   * @throws AttuneError 'invalid-option' for an id that is no whole number from 0 on, such as a masked label
   */
  async decode(ids: ArrayLike<number>, options: DecodeOptions = {}): Promise<string> {
    const list = Array.from(ids)
    const wrong = list.findIndex((id) => !Number.isInteger(id) || id < 0)
    if (wrong >= 0) {
      throw new AttuneError(
        'invalid-option',
        `ids[${wrong}] is ${list[wrong]}; token ids are whole numbers from 0 on`,
        {
          where: `ids[${wrong}]`,
        },
      )
    }
    return this.#native.decode(list, options.skipSpecialTokens ?? true)
  }

  /** A decoder that gives text out as ids are generated. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    return new DecodeStream((ids) => this.decode(ids, options))
  }

  tokenToId(token: string): number | undefined {
    return this.#native.tokenToId(token) ?? undefined
  }

  idToToken(id: number): string | undefined {
    return this.#native.idToToken(id) ?? undefined
  }

  /**
   * A conversation as the text the model reads; encode it with `addSpecialTokens: false`, the template writes them.
   * @throws AttuneError 'invalid-chat-template' (there is none, or it is broken), 'chat-template-failed'
   */
  applyChatTemplate(messages: readonly Message[], options: ChatTemplateOptions = {}): string {
    return this.chatTemplateFor(options).render(messages, options)
  }

  /**
   * The template for these options: 'tool_use' where tools are given and the tokenizer has one, else 'default'.
   * @throws AttuneError 'invalid-chat-template' where the tokenizer has none
   */
  chatTemplateFor(options: ChatTemplateOptions = {}): ChatTemplate {
    const forTools = options.tools === undefined ? undefined : this.#chatTemplates.get('tool_use')
    const template = forTools ?? this.chatTemplate
    if (template !== undefined) return template
    throw new AttuneError(
      'invalid-chat-template',
      `the tokenizer in ${this.directory} has no chat template; give options.chatTemplate ('chatml', 'zephyr', 'alpaca', …, or a file), or use prompt/completion rows`,
      { where: this.directory },
    )
  }

  /**
   * The same tokenizer with another chat template: a built-in one by its name, a file, or the template's text.
   * @throws AttuneError 'invalid-option' (none of these), 'invalid-chat-template' (a built-in template whose tokens the
   * vocabulary lacks)
   */
  async withChatTemplate(given: string): Promise<Tokenizer> {
    const chosen = await chooseChatTemplate(given, this)
    if (chosen.source === this.chatTemplate?.source) return this
    const config = {
      ...this.#config,
      chatTemplates: new Map([['default', chosen]]),
      chosenChatTemplate: chosen.source,
    }
    return new Tokenizer(this.directory, this.#json, config, this.#isExtended)
  }

  /** The template that was chosen in place of the one in the tokenizer's files; saved with the tokenizer. */
  get chosenChatTemplate(): string | undefined {
    return this.#config.chosenChatTemplate
  }

  /**
   * What ends an answer in the form of the chat template: the special token that it writes after the assistant's words. None
   * where that is no special token, or there is no template.
   */
  turnEndIds(): Promise<readonly number[]> {
    return (this.#turnEndIds ??= this.#findTurnEnd())
  }

  async #findTurnEnd(): Promise<readonly number[]> {
    const word = 'answer'
    const messages = [{ role: 'user', content: 'question' }, { role: 'assistant', content: word }] // prettier-ignore
    let text: string
    try {
      text = this.chatTemplate?.render(messages) ?? ''
    } catch {
      // A template that refuses so plain a talk says nothing of how turns end.
      return []
    }
    const at = text.lastIndexOf(word)
    if (at < 0) return []
    const [end] = await this.encode(text.slice(at + word.length), { addSpecialTokens: false })
    return end !== undefined && (await this.decode([end])) === '' && text.slice(at + word.length).trim() !== ''
      ? [end]
      : []
  }

  /**
   * Copies the tokenizer's files into a directory and returns their names.
   * @throws AttuneError 'file-write-failed'
   */
  async save(directory: string): Promise<readonly string[]> {
    const files = await copyTokenizerFiles(this.directory, directory, this.#config.chosenChatTemplate)
    if (this.#isExtended) await writeTokenizerFile(join(directory, 'tokenizer.json'), this.#json)
    return files
  }

  #knows(token: string): boolean {
    return this.tokenToId(token) !== undefined
  }

  async #encodeChunks<T>(
    texts: readonly string[],
    options: EncodeOptions,
    convert: (encoding: JsEncoding) => T,
  ): Promise<T[]> {
    const results: T[] = []
    let start = 0
    while (start < texts.length) {
      let end = start
      for (let size = 0; end < texts.length && (end === start || size < charactersPerCall); end++) {
        size += texts[end]?.length ?? 0
      }
      const encodings = await this.#native.encodeBatch(texts.slice(start, end), nativeOptions(options))
      for (const encoding of encodings) results.push(convert(encoding))
      start = end
    }
    return results
  }

  #specialTokenId(name: SpecialTokenName): number | undefined {
    const token = this.specialTokens[name]
    if (token === undefined) return undefined
    const id = this.tokenToId(token)
    // A missing bos or eos would change what is trained without a word; others are not always used.
    if (id === undefined && (name === 'bos_token' || name === 'eos_token')) {
      const where = join(this.directory, 'tokenizer_config.json')
      throw new AttuneError(
        'invalid-tokenizer',
        `${where}: ${name} '${token}' is not in the vocabulary of tokenizer.json`,
        {
          where,
        },
      )
    }
    return id
  }
}

function fingerprintOf(tokenizerJson: string, { chatTemplates, ...config }: TokenizerConfig): string {
  const templates = [...chatTemplates].map(([name, { source }]) => [name, source])
  return createHash('sha256')
    .update(tokenizerJson)
    .update(JSON.stringify([config, templates]))
    .digest('hex')
}

function parsed(json: string, path: string): NativeTokenizer {
  try {
    const native = NativeTokenizer.fromString(json)
    native.disableTruncation()
    native.disablePadding()
    return native
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AttuneError('invalid-tokenizer', `${path} is no valid tokenizer: ${reason}`, { where: path, cause })
  }
}

function nativeOptions(options: EncodeOptions): { addSpecialTokens: boolean } {
  return { addSpecialTokens: options.addSpecialTokens ?? true }
}

function idsOf(encoding: JsEncoding): Int32Array {
  return new Int32Array(encoding.getIds())
}

function withOffsets(encoding: JsEncoding): IdsWithOffsets {
  return {
    ids: idsOf(encoding),
    get offsets() {
      return encoding.getOffsets() as [number, number][]
    },
    offsetAt: (token) => encoding.tokenToChars(token) ?? [0, 0],
    tokenAt: (point) => encoding.charToToken(point) ?? undefined,
  }
}
