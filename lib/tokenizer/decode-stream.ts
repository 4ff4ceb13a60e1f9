export type DecodeFunction = (ids: readonly number[]) => Promise<string>

const replacement = '\uFFFD'

/**
 * Decodes ids as they are generated. A piece is given out once no later token can change it: never half a
 * character, and never a change of what was given before. The pieces joined are the text of all ids.
 */
export class DecodeStream {
  // The window: tokens whose text is out already (they give the decoder its context), then tokens still held back.
  #ids: number[] = []
  #emittedCount = 0
  #emittedText = ''
  readonly #decode: DecodeFunction

  constructor(decode: DecodeFunction) {
    this.#decode = decode
  }

  /** Adds generated ids and gives the new text, '' where it is not settled yet. Await each call before the next. */
  async push(ids: number | Iterable<number>): Promise<string> {
    this.#ids.push(...(typeof ids === 'number' ? [ids] : ids))
    const text = await this.#decode(this.#ids)
    // A replacement character at the end is mostly a character whose bytes are not all there yet.
    if (text.endsWith(replacement)) return ''
    return this.#emit(text)
  }

  /** Gives out what was held back, once no more ids come. The stream can be used again for a new text. */
  async flush(): Promise<string> {
    const rest = await this.#emit(await this.#decode(this.#ids))
    this.#ids = []
    this.#emittedCount = 0
    this.#emittedText = ''
    return rest
  }

  async #emit(text: string): Promise<string> {
    let piece: string
    if (text.startsWith(this.#emittedText)) {
      piece = text.slice(this.#emittedText.length)
    } else {
      // The decoder would now write the emitted part otherwise (an invalid byte run): what is out stays.
      piece = await this.#decode(this.#ids.slice(this.#emittedCount))
    }
    if (piece === '') return ''
    this.#ids = this.#ids.slice(this.#emittedCount)
    this.#emittedCount = this.#ids.length
    this.#emittedText = await this.#decode(this.#ids)
    return piece
  }
}
