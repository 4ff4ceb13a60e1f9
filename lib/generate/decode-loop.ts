/** Prompts in, token ids out: sequences share the steps, and a slot that falls free goes to the next prompt. */
import { requireNotAborted } from '../abort.js'
import type { Decoder } from '../models/decoder.js'
import { largestIndex, softmax } from '../models/probabilities.js'
import { uniformBits } from './philox.js'
import { draw, drawsFromLogits, keepsLogits, processLogits, type SamplingOptions } from './sampling.js'

/** What every way of choosing tokens keeps to. */
export interface TokenOptions extends SamplingOptions {
  readonly maxNewTokens: number
  /** No stop token comes before there are so many. */
  readonly minNewTokens: number
  readonly stopTokenIds: ReadonlySet<number>
  /** Of an encoder-decoder: what each prompt, then the beginning of the answer, goes by. */
  readonly sources?: readonly (readonly number[])[] | undefined
  readonly signal?: AbortSignal | undefined
}

export interface DecodeOptions extends TokenOptions {
  readonly temperature: number
  readonly seed: number
  /** The prompts come in runs of so many equal ones, of which each draws for itself. */
  readonly numReturnSequences: number
}

export type FinishReason = 'stop' | 'length'

export interface DecodedToken {
  /** Index of the prompt. */
  readonly row: number
  /** Index among the new tokens. */
  readonly index: number
  readonly tokenId: number
  /** On the last token: a stop token came, or there was no room for more. */
  readonly finishReason: FinishReason | undefined
  /** On the last token of a beam search: sum of log probabilities / (new tokens ^ length penalty). */
  readonly score?: number | undefined
  /** Ends the sequence here, as when its text holds a stop string. */
  readonly end: () => void
}

type StepDecoder = Pick<Decoder, 'slots' | 'capacity' | 'step' | 'likeliest' | 'sample'>

interface Sequence {
  readonly row: number
  readonly slot: number
  /** Prompt and what came after. */
  readonly history: number[]
  readonly promptLength: number
  /** Tokens in the cache. */
  cached: number
  ended: boolean
}

/** Tokens of all prompts as they come, each sequence's in order. */
export async function* decode(
  decoder: StepDecoder,
  prompts: readonly (readonly number[])[],
  options: DecodeOptions,
): AsyncGenerator<DecodedToken, void, void> {
  const waiting = prompts.map((ids, row) => ({ ids, row }))
  const free = Array.from({ length: decoder.slots }, (_, slot) => slot)
  let active: Sequence[] = []
  while (waiting.length > 0 || active.length > 0) {
    requireNotAborted(options.signal, 'generation was aborted')
    while (waiting.length > 0 && free.length > 0) {
      const { ids, row } = waiting.shift() as (typeof waiting)[number]
      active.push({
        row,
        slot: free.shift() as number,
        history: [...ids],
        promptLength: ids.length,
        cached: 0,
        ended: false,
      })
    }
    const chosen = await nextTokens(decoder, active, options)
    for (const [i, sequence] of active.entries()) {
      sequence.cached = sequence.history.length
      const index = newTokens(sequence)
      const tokenId = chosen[i] as number
      sequence.history.push(tokenId)
      const finishReason = finish(sequence, tokenId, decoder.capacity, options)
      if (finishReason !== undefined) sequence.ended = true
      yield { row: sequence.row, index, tokenId, finishReason, end: () => (sequence.ended = true) }
    }
    for (const { ended, slot } of active) if (ended) free.push(slot)
    active = active.filter(({ ended }) => !ended)
  }
}

/** Where the device can choose, it does, and no logits come from it. */
async function nextTokens(
  decoder: StepDecoder,
  active: readonly Sequence[],
  options: DecodeOptions,
): Promise<ArrayLike<number>> {
  const step = {
    inputIds: active.map(({ history, cached }) => history.slice(cached)),
    slots: active.map(({ slot }) => slot),
    lengths: active.map(({ cached }) => cached),
    sources: options.sources === undefined ? undefined : active.map(({ row }) => options.sources?.[row] ?? []),
  }
  const sampling = active.map((sequence) => ({
    ...options,
    suppressedTokenIds: newTokens(sequence) < options.minNewTokens ? options.stopTokenIds : undefined,
  }))
  if (options.temperature === 0 && sampling.every(keepsLogits)) return decoder.likeliest(step)
  if (options.temperature > 0 && sampling.every(drawsFromLogits)) {
    const { temperature, topK = 0, topP = 1, minP = 0 } = options
    const draws = active.map((sequence) => {
      const bits = uniformBits(options.seed, ...drawOf(sequence, options))
      return { temperature, topK, topP, minP, bits }
    })
    return decoder.sample(step, draws)
  }
  const { data, shape } = await decoder.step(step)
  const vocabulary = shape[1] as number
  return active.map((sequence, i) => {
    const logits = data.subarray(i * vocabulary, (i + 1) * vocabulary)
    return choose(processLogits(logits, sequence.history, sampling[i] as SamplingOptions), sequence, options)
  })
}

function choose(scores: Float64Array, sequence: Sequence, options: DecodeOptions): number {
  if (options.temperature === 0) return largestIndex(scores)
  return draw(softmax(scores), options.seed, ...drawOf(sequence, options))
}

/** The number drawn depends on seed, index and which of its prompt's it is, so that a sequence is the same in any company. */
function drawOf(sequence: Sequence, { numReturnSequences }: DecodeOptions): [position: number, stream: number] {
  return [newTokens(sequence), sequence.row % numReturnSequences]
}

function newTokens({ history, promptLength }: Sequence): number {
  return history.length - promptLength
}

function finish(
  sequence: Sequence,
  tokenId: number,
  capacity: number,
  options: DecodeOptions,
): FinishReason | undefined {
  if (options.stopTokenIds.has(tokenId)) return 'stop'
  // The newest token has no place in the cache yet: it needs one to be followed by another.
  return newTokens(sequence) >= options.maxNewTokens || sequence.history.length > capacity ? 'length' : undefined
}
