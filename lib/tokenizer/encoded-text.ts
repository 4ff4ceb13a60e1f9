import type { JsEncoding } from 'tokenizers'

/** What is known of each token of an encoded text (or pair of texts); all lists have one entry per token. */
export interface EncodedText {
  readonly ids: Int32Array
  readonly tokens: readonly string[]
  /** [start, end) in the text, in Unicode code points; [0, 0] for added tokens. */
  readonly offsets: readonly (readonly [number, number])[]
  /** 0 for the first text, 1 for its pair, as the model's token_type_ids. */
  readonly typeIds: readonly number[]
  /** Which text the token is from: 0, 1, or null for tokens the tokenizer added. */
  readonly sequenceIds: readonly (number | null)[]
  /** Which word of its text the token is a piece of, as the tokenizer cuts words; null for tokens it added. */
  readonly wordIds: readonly (number | null)[]
}

/** The native result. Each list is copied out only when asked for, and each time: that costs more than tokenizing. */
export class NativeEncodedText implements EncodedText {
  readonly #encoding: JsEncoding

  constructor(encoding: JsEncoding) {
    this.#encoding = encoding
  }

  get ids(): Int32Array {
    return new Int32Array(this.#encoding.getIds())
  }

  get tokens(): readonly string[] {
    return this.#encoding.getTokens()
  }

  get offsets(): readonly (readonly [number, number])[] {
    return this.#encoding.getOffsets() as [number, number][]
  }

  get typeIds(): readonly number[] {
    return this.#encoding.getTypeIds()
  }

  get sequenceIds(): readonly (number | null)[] {
    return this.#encoding.getSequenceIds().map((id) => id ?? null)
  }

  get wordIds(): readonly (number | null)[] {
    return this.#encoding.getWordIds().map((id) => id ?? null)
  }
}
