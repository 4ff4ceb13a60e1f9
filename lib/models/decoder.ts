import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { Cache } from '../graph/builder.js'
import type { NativeArray, NativeBatch, NativeProgram, NativeSession } from '../native.js'
import { checkedId, type FlatRows } from './batch.js'
import type { ModelDefinition } from './family.js'
import { checkOptions } from '../check-options.js'
import type { Tensor } from './tensor.js'

export interface DecoderOptions {
  /** Sequences held at once. @default 1 */
  readonly slots?: number
  /** Tokens each slot may hold. @default the model's limit */
  readonly capacity?: number
  /** Of an encoder-decoder: tokens each source may have. @default the model's limit */
  readonly encoderCapacity?: number
}

export interface DecoderStep {
  /** New tokens of each sequence: a whole prompt, or one token. */
  readonly inputIds: readonly (readonly number[] | Int32Array)[]
  /** Slot of each sequence; no slot twice. */
  readonly slots: readonly number[]
  /** Tokens that each slot holds already. */
  readonly lengths: readonly number[]
  /** Of an encoder-decoder: what each sequence goes by. It is read with the sequence's first tokens, and kept. */
  readonly sources?: readonly (readonly number[] | Int32Array)[] | undefined
}

/** How the next token of a sequence is drawn: softmax(logits / temperature) over what is kept, in the order of these options. */
export interface TokenDraw {
  /** Above 0. */
  readonly temperature: number
  /** Keeps the k best tokens; 0 keeps all. */
  readonly topK: number
  /** Keeps the fewest best tokens whose probabilities add up to this. */
  readonly topP: number
  /** Keeps tokens at least this likely, as a share of the best one's probability. */
  readonly minP: number
  /** A random number in [0, 1) of 53 bits: the upper 27 and the lower 26. */
  readonly bits: readonly [number, number]
}

/** Copy i brings the first `lengths[i]` tokens of slot `sources[i]` to slot `destinations[i]`. */
export interface SlotCopies {
  readonly sources: readonly number[]
  /** No slot twice, and none that is a source. */
  readonly destinations: readonly number[]
  /** Tokens that each source holds. */
  readonly lengths: readonly number[]
}

export function settleDecoderOptions(options: DecoderOptions, { maxPositions, kind }: ModelDefinition): Cache {
  const schema = z.strictObject({
    slots: z.int().positive().default(1),
    capacity: z.int().positive().max(maxPositions).default(maxPositions),
    encoderCapacity: z.int().positive().max(maxPositions).default(maxPositions),
  })
  const { encoderCapacity, ...cache } = checkOptions(schema, options, 'decoder')
  return kind === 'encoder-decoder' ? { ...cache, encoderCapacity } : cache
}

/** Runs the model token by token: keys and values of what went before are kept, one slot per sequence. */
export class Decoder {
  readonly slots: number
  readonly capacity: number
  readonly #session: NativeSession
  readonly #program: NativeProgram
  readonly #definition: ModelDefinition
  readonly #encoderCapacity: number
  /** Of an encoder-decoder: tokens of the source that each slot holds. */
  readonly #held: number[]
  #disposed = false

  /** Made by `model.decoder()`. */
  constructor(host: { session: NativeSession; program: NativeProgram; definition: ModelDefinition; cache: Cache }) {
    this.#session = host.session
    this.#program = host.program
    this.#definition = host.definition
    this.slots = host.cache.slots
    this.capacity = host.cache.capacity
    this.#encoderCapacity = host.cache.encoderCapacity ?? 0
    this.#held = Array.from({ length: this.slots }, () => 0)
  }

  /** Bytes of the keys and values. */
  get bytes(): number {
    return this.#program.stateBytes
  }

  /** Logits of the last token of each sequence: (sequences, vocabulary). */
  async step(step: DecoderStep): Promise<Tensor> {
    const data = (await this.#run(step, 'logits')) as Float32Array
    return { data, shape: [step.inputIds.length, this.#definition.vocabularySize] }
  }

  /** The same step, and of its logits only which is the first largest of each sequence: no others leave the device. */
  async likeliest(step: DecoderStep): Promise<Int32Array> {
    return (await this.#run(step, 'likeliest')) as Int32Array
  }

  /** The same step, and of each sequence a token drawn by its logits: none of these leave the device. */
  async sample(step: DecoderStep, draws: readonly TokenDraw[]): Promise<Int32Array> {
    const inputs = {
      temperature: Float32Array.from(draws, ({ temperature }) => temperature),
      top_k: Int32Array.from(draws, ({ topK }) => topK),
      top_p: Float32Array.from(draws, ({ topP }) => topP),
      min_p: Float32Array.from(draws, ({ minP }) => minP),
      uniform: Int32Array.from(draws.flatMap(({ bits }) => bits)),
    }
    return (await this.#run(step, 'sampled', inputs)) as Int32Array
  }

  async #run(
    step: DecoderStep,
    output: 'logits' | 'likeliest' | 'sampled',
    inputs: NativeBatch['inputs'] = {},
  ): Promise<NativeArray> {
    this.#requireLive()
    const sequences = step.inputIds.length
    const ids: number[] = []
    const positions: number[] = []
    const ends = [0]
    step.inputIds.forEach((row, s) => {
      this.#check(step, s)
      const length = step.lengths[s] ?? 0
      for (let i = 0; i < row.length; i++) {
        ids.push(row[i] ?? 0)
        positions.push(length + i)
      }
      ends.push(ids.length)
    })
    const common = {
      ...inputs,
      slots: Int32Array.from(step.slots),
      lengths: Int32Array.from(step.lengths),
      rows: Int32Array.from(ends.slice(1), (end) => end - 1),
    }
    const tokens = { ids: Int32Array.from(ids), cuSeqlens: Int32Array.from(ends) }
    const batch =
      this.#definition.kind === 'encoder-decoder'
        ? this.#withSources(step, tokens, common)
        : {
            sizes: { tokens: ids.length, sequences, rows: sequences },
            inputs: { ...common, ids: tokens.ids, positions: Int32Array.from(positions), cu_seqlens: tokens.cuSeqlens },
          }
    const fetched = await this.#session.run(this.#program, batch, { fetch: [output] })
    return fetched[output] as NativeArray
  }

  /** Makes slots go on from where others stand: keys and values are copied, after the steps asked for before. */
  async copySlots(copies: SlotCopies): Promise<void> {
    this.#requireLive()
    if (copies.sources.length === 0) return
    const whole = this.#definition.kind === 'encoder-decoder' ? this.#withHeldSources(copies) : copies
    await this.#session.copySlots(this.#program, whole)
  }

  dispose(): void {
    if (!this.#disposed) this.#program.dispose()
    this.#disposed = true
  }

  /** Sources of sequences that begin go through the encoder now; the others' are in the cache. */
  #withSources(step: DecoderStep, tokens: FlatRows, common: NativeBatch['inputs']): NativeBatch {
    const ids: number[] = []
    const ends = [0]
    const held = step.slots.map((slot, s) => {
      const begins = step.lengths[s] === 0
      if (begins) {
        const source = step.sources?.[s] ?? []
        this.#checkSource(source, `sources[${s}]`)
        ids.push(...source)
        this.#held[slot] = source.length
      }
      ends.push(ids.length)
      return begins ? 0 : (this.#held[slot] ?? 0)
    })
    const sequences = step.slots.length
    return {
      sizes: { tokens: ids.length, decoder_tokens: tokens.ids.length, sequences, rows: sequences },
      inputs: {
        ...common,
        ids: Int32Array.from(ids),
        cu_seqlens: Int32Array.from(ends),
        decoder_ids: tokens.ids,
        decoder_cu_seqlens: tokens.cuSeqlens,
        encoder_lengths: Int32Array.from(held),
      },
    }
  }

  /** The sources' keys and values are copied as well: as many rows as the longer of the two has. */
  #withHeldSources({ sources, destinations, lengths }: SlotCopies): SlotCopies {
    const held = sources.map((slot) => this.#held[slot] ?? 0)
    destinations.forEach((slot, i) => (this.#held[slot] = held[i] ?? 0))
    return { sources, destinations, lengths: lengths.map((length, i) => Math.max(length, held[i] ?? 0)) }
  }

  #checkSource(source: readonly number[] | Int32Array, where: string): void {
    if (source.length === 0) throw new AttuneError('invalid-batch', 'The source holds no tokens.', { where })
    if (source.length > this.#encoderCapacity) {
      const message = `The source has ${source.length} tokens, but a slot holds ${this.#encoderCapacity}.`
      throw new AttuneError('sequence-too-long', message, { where })
    }
    source.forEach((id: number, i: number) =>
      checkedId(id, this.#definition.vocabularySize, 'a token id below the vocabulary size', `${where}[${i}]`),
    )
  }

  #requireLive(): void {
    if (this.#disposed) throw new AttuneError('disposed', 'The decoder was disposed.')
  }

  #check(step: DecoderStep, s: number): void {
    const where = `inputIds[${s}]`
    const row = step.inputIds[s] ?? []
    const slot = step.slots[s]
    const length = step.lengths[s]
    if (row.length === 0) throw new AttuneError('invalid-batch', 'The row holds no tokens.', { where })
    const vocabulary = this.#definition.vocabularySize
    const bad = row.find((id: number) => !Number.isInteger(id) || id < 0 || id >= vocabulary)
    if (bad !== undefined) {
      throw new AttuneError('invalid-batch', `Expected token ids below ${vocabulary} but received ${bad}.`, { where })
    }
    if (slot === undefined || !(slot >= 0 && slot < this.slots) || step.slots.indexOf(slot) !== s) {
      throw new AttuneError('invalid-batch', `Expected a slot below ${this.slots} of its own but received ${slot}.`, {
        where: `slots[${s}]`,
      })
    }
    if (length === undefined || !(length >= 0)) {
      throw new AttuneError('invalid-batch', `Expected the tokens held but received ${length}.`, {
        where: `lengths[${s}]`,
      })
    }
    if (length + row.length > this.capacity) {
      throw new AttuneError(
        'sequence-too-long',
        `Sequence ${s} would reach ${length + row.length} tokens, but a slot holds ${this.capacity}.`,
        { where },
      )
    }
  }
}
