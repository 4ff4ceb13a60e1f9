import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { NativeProgram, NativeSession } from '../native.js'
import type { ModelDefinition } from './family.js'
import { checkOptions } from '../check-options.js'
import type { Tensor } from './tensor.js'

export interface DecoderOptions {
  /** Sequences held at once. @default 1 */
  readonly slots?: number
  /** Tokens each slot may hold. @default the model's limit */
  readonly capacity?: number
}

export interface DecoderStep {
  /** New tokens of each sequence: a whole prompt, or one token. */
  readonly inputIds: readonly (readonly number[] | Int32Array)[]
  /** Slot of each sequence; no slot twice. */
  readonly slots: readonly number[]
  /** Tokens that each slot holds already. */
  readonly lengths: readonly number[]
}

/** Copy i brings the first `lengths[i]` tokens of slot `sources[i]` to slot `destinations[i]`. */
export interface SlotCopies {
  readonly sources: readonly number[]
  /** No slot twice, and none that is a source. */
  readonly destinations: readonly number[]
  /** Tokens that each source holds. */
  readonly lengths: readonly number[]
}

export function settleDecoderOptions(
  options: DecoderOptions,
  { maxPositions }: ModelDefinition,
): { slots: number; capacity: number } {
  const schema = z.strictObject({
    slots: z.int().positive().default(1),
    capacity: z.int().positive().max(maxPositions).default(maxPositions),
  })
  return checkOptions(schema, options, 'decoder')
}

/** Runs the model token by token: keys and values of what went before are kept, one slot per sequence. */
export class Decoder {
  readonly slots: number
  readonly capacity: number
  readonly #session: NativeSession
  readonly #program: NativeProgram
  readonly #definition: ModelDefinition
  #disposed = false

  /** Made by `model.decoder()`. */
  constructor(host: {
    session: NativeSession
    program: NativeProgram
    definition: ModelDefinition
    slots: number
    capacity: number
  }) {
    this.#session = host.session
    this.#program = host.program
    this.#definition = host.definition
    this.slots = host.slots
    this.capacity = host.capacity
  }

  /** Bytes of the keys and values. */
  get bytes(): number {
    return this.#program.stateBytes
  }

  /** Logits of the last token of each sequence: (sequences, vocabulary). */
  async step(step: DecoderStep): Promise<Tensor> {
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
    const { logits } = await this.#session.run(
      this.#program,
      {
        sizes: { tokens: ids.length, sequences, rows: sequences },
        inputs: {
          ids: Int32Array.from(ids),
          positions: Int32Array.from(positions),
          cu_seqlens: Int32Array.from(ends),
          slots: Int32Array.from(step.slots),
          lengths: Int32Array.from(step.lengths),
          rows: Int32Array.from(ends.slice(1), (end) => end - 1),
        },
      },
      { fetch: ['logits'] },
    )
    return { data: logits as Float32Array, shape: [sequences, this.#definition.vocabularySize] }
  }

  /** Makes slots go on from where others stand: keys and values are copied, after the steps asked for before. */
  async copySlots(copies: SlotCopies): Promise<void> {
    this.#requireLive()
    if (copies.sources.length > 0) await this.#session.copySlots(this.#program, copies)
  }

  dispose(): void {
    if (!this.#disposed) this.#program.dispose()
    this.#disposed = true
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
