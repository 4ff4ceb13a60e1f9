/** The tokenizer of a model: the one beside its weights, with the tokens and the chat template that came to it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AttuneError } from '../errors.js'
import { Tokenizer } from '../tokenizer/tokenizer.js'

export interface TokenizerSource {
  /** Of the model. */
  readonly directory: string | undefined
  /** With the tokens that were added, where any were. */
  readonly extended: Tokenizer | undefined
  /** Directory of the adapter that was put on the model when it was loaded. */
  readonly adapter: string | undefined
}

export class ModelTokenizer {
  #used: Promise<Tokenizer> | undefined

  constructor(private readonly source: TokenizerSource) {}

  /** Loaded once. @throws AttuneError 'invalid-tokenizer' where the model has no directory, or no tokenizer in it */
  get(): Promise<Tokenizer> {
    const { directory } = this.source
    if (directory === undefined) {
      const message = 'The model was made from a configuration object: it has no directory, so no tokenizer.'
      return Promise.reject(new AttuneError('invalid-tokenizer', message))
    }
    this.#used ??= this.#load(directory)
    return this.#used
  }

  /** @throws AttuneError 'invalid-option', 'invalid-chat-template' (its tokens are not in the vocabulary) */
  async setChatTemplate(template: string): Promise<void> {
    this.#used = Promise.resolve(await (await this.get()).withChatTemplate(template))
  }

  /** The one that is saved in place of the files in the model's directory, where there is one. */
  async changed(): Promise<Tokenizer | undefined> {
    const { extended } = this.source
    if (this.#used === undefined && this.#adapterTemplate() === undefined) return extended
    const used = await this.get().catch(() => undefined)
    return used?.chosenChatTemplate === undefined ? extended : used
  }

  /** An adapter that was trained in a chat template of its own has it in its directory. */
  async #load(directory: string): Promise<Tokenizer> {
    const tokenizer = this.source.extended ?? (await Tokenizer.load(directory))
    const own = this.#adapterTemplate()
    return own === undefined ? tokenizer : tokenizer.withChatTemplate(own)
  }

  #adapterTemplate(): string | undefined {
    const { adapter } = this.source
    const path = adapter === undefined ? undefined : join(adapter, 'chat_template.jinja')
    return path !== undefined && existsSync(path) ? path : undefined
  }
}
