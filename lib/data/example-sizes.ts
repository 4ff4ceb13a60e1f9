import { GrowingInt32Array } from './growing-array.js'

/** Sizes of a batch; those of several add up. */
export interface ExampleSizes {
  readonly tokens: number
  readonly sequences: number
  /** What has a label: tokens, or texts. */
  readonly rows: number
  readonly decoderTokens?: number
  readonly candidates?: number
}

/** The sizes of each example alone. */
export interface ExampleSizeList {
  readonly length: number
  at(index: number): ExampleSizes
  /** Tokens of each, of all its texts: what batches are made by. */
  readonly lengths: Int32Array
}

/** Collects sizes: a few numbers an example, no objects. */
export class SizeTable implements ExampleSizeList {
  readonly #lengths = new GrowingInt32Array()
  readonly #tokens = new GrowingInt32Array()
  readonly #sequences = new GrowingInt32Array()
  readonly #rows = new GrowingInt32Array()
  // All examples of a task have these, or none.
  readonly #decoderTokens = new GrowingInt32Array(1)
  readonly #candidates = new GrowingInt32Array(1)

  get length(): number {
    return this.#tokens.length
  }

  get lengths(): Int32Array {
    return this.#lengths.values()
  }

  push({ tokens, sequences, rows, decoderTokens, candidates }: ExampleSizes): void {
    this.#lengths.push(tokens + (decoderTokens ?? 0))
    this.#tokens.push(tokens)
    this.#sequences.push(sequences)
    this.#rows.push(rows)
    if (decoderTokens !== undefined) this.#decoderTokens.push(decoderTokens)
    if (candidates !== undefined) this.#candidates.push(candidates)
  }

  at(index: number): ExampleSizes {
    const decoderTokens = this.#decoderTokens.at(index)
    const candidates = this.#candidates.at(index)
    return {
      tokens: this.#tokens.at(index) ?? 0,
      sequences: this.#sequences.at(index) ?? 0,
      rows: this.#rows.at(index) ?? 0,
      ...(decoderTokens === undefined ? {} : { decoderTokens }),
      ...(candidates === undefined ? {} : { candidates }),
    }
  }
}
