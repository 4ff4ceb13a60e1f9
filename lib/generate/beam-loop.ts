/** Beam search over many prompts: hypotheses of several prompts share the steps, each in a slot of its own. */
import { requireNotAborted } from '../abort.js'
import { AttuneError } from '../errors.js'
import type { Decoder } from '../models/decoder.js'
import { BeamSearch, type BeamOptions, type FinishedHypothesis, type Hypothesis } from './beam-search.js'
import type { DecodedToken, FinishReason, TokenOptions } from './decode-loop.js'
import { logSoftmax, processLogits } from './sampling.js'

export type BeamDecoder = Pick<Decoder, 'slots' | 'capacity' | 'step' | 'copySlots'>

export interface BeamLoopOptions extends BeamOptions, TokenOptions {
  /** Whether the text of these new tokens holds what ends it. Absent: no text does. */
  readonly endsText?: ((tokenIds: readonly number[]) => Promise<boolean>) | undefined
}

/** One prompt at work. */
interface Group {
  readonly row: number
  readonly search: BeamSearch
  /** As many as beams. */
  readonly slots: readonly number[]
  /** Slot of each running hypothesis. */
  placed: readonly number[]
  /** Tokens that each of these slots holds. */
  cached: number
  readonly maxNewTokens: number
  readonly promptLength: number
}

interface Copies {
  readonly sources: number[]
  readonly destinations: number[]
  readonly lengths: number[]
}

/**
 * The tokens of the best hypotheses of all prompts, each prompt's when its search ends. Row `numReturnSequences` · i + k
 * is answer k to prompt i.
 */
export async function* decodeBeams(
  decoder: BeamDecoder,
  prompts: readonly (readonly number[])[],
  options: BeamLoopOptions & { readonly numReturnSequences: number },
): AsyncGenerator<DecodedToken, void, void> {
  const { numReturnSequences } = options
  for await (const { row, hypotheses } of searchBeams(decoder, prompts, options)) {
    if (hypotheses.length < numReturnSequences) {
      const message = `prompts[${row}] has ${hypotheses.length} answers under these options: ask for fewer than ${numReturnSequences}`
      throw new AttuneError('invalid-option', message, { where: 'options.numReturnSequences' })
    }
    for (const [k, { tokenIds, score, finishReason }] of hypotheses.slice(0, numReturnSequences).entries()) {
      for (const [index, tokenId] of tokenIds.entries()) {
        const ending = index + 1 === tokenIds.length ? { finishReason, score } : { finishReason: undefined }
        yield { row: row * numReturnSequences + k, index, tokenId, ...ending, end: () => undefined }
      }
    }
  }
}

/** What each prompt's search found, best first, as the searches end. The decoder needs `numBeams` slots a prompt. */
export async function* searchBeams(
  decoder: BeamDecoder,
  prompts: readonly (readonly number[])[],
  options: BeamLoopOptions,
): AsyncGenerator<{ readonly row: number; readonly hypotheses: readonly FinishedHypothesis[] }, void, void> {
  const { numBeams } = options
  const waiting = prompts.map((ids, row) => ({ ids, row }))
  const free = Array.from({ length: Math.floor(decoder.slots / numBeams) }, (_, group) =>
    Array.from({ length: numBeams }, (_, beam) => group * numBeams + beam),
  )
  if (free.length === 0) {
    throw new AttuneError('invalid-option', `${numBeams} beams need as many slots; the decoder has ${decoder.slots}.`)
  }
  // Each end token may take a place among the best, and as many hypotheses as beams must be left to go on.
  const candidates = Math.max(2, 1 + options.stopTokenIds.size) * numBeams
  let active: Group[] = []
  while (waiting.length > 0 || active.length > 0) {
    requireNotAborted(options.signal, 'generation was aborted')
    while (waiting.length > 0 && free.length > 0) {
      const { ids, row } = waiting.shift() as (typeof waiting)[number]
      active.push(makeGroup(ids, row, free.shift() as number[], decoder.capacity, options))
    }
    const beams = active.flatMap(({ search, placed, cached, row }) =>
      search.running.map(({ history }, i) => ({ ids: history.slice(cached), slot: placed[i] ?? 0, cached, row })),
    )
    const { data, shape } = await decoder.step({
      inputIds: beams.map(({ ids }) => ids),
      slots: beams.map(({ slot }) => slot),
      lengths: beams.map(({ cached }) => cached),
      sources: options.sources === undefined ? undefined : beams.map(({ row }) => options.sources?.[row] ?? []),
    })
    const vocabulary = shape[1] as number
    const copies: Copies = { sources: [], destinations: [], lengths: [] }
    let line = 0
    for (const group of active) {
      const { search } = group
      group.cached = group.promptLength + search.produced
      const scores = search.running.map(({ history }) => {
        const logits = data.subarray(line * vocabulary, ++line * vocabulary)
        return tokenScores(logits, history, search.produced, options)
      })
      await search.advance(scores, candidates, (hypothesis) => finishReasonOf(hypothesis, group, options))
      if (!search.done) placeHypotheses(group, copies)
    }
    await decoder.copySlots(copies)
    for (const { search, row, slots } of active) {
      if (!search.done) continue
      free.push([...slots])
      yield { row, hypotheses: search.finished }
    }
    active = active.filter(({ search }) => !search.done)
  }
}

function makeGroup(
  prompt: readonly number[],
  row: number,
  slots: readonly number[],
  capacity: number,
  options: BeamLoopOptions,
): Group {
  // The newest token needs no place in the cache.
  const maxNewTokens = Math.min(options.maxNewTokens, capacity + 1 - prompt.length)
  const search = new BeamSearch(prompt, maxNewTokens, options)
  return { row, search, slots, placed: slots.slice(0, 1), cached: 0, maxNewTokens, promptLength: prompt.length }
}

/** As in transformers the processors work on log probabilities, and what they change is not made to add up to 1 again. */
function tokenScores(
  logits: Float32Array,
  history: readonly number[],
  index: number,
  options: BeamLoopOptions,
): Float64Array {
  const suppressedTokenIds = index < options.minNewTokens ? options.stopTokenIds : undefined
  const { repetitionPenalty, noRepeatNgramSize, badWordsIds } = options
  const processors = { repetitionPenalty, noRepeatNgramSize, badWordsIds, suppressedTokenIds, temperature: 0 }
  return processLogits(logSoftmax(logits), history, processors)
}

async function finishReasonOf(
  { history }: Hypothesis,
  { promptLength, maxNewTokens }: Group,
  { stopTokenIds, endsText }: BeamLoopOptions,
): Promise<FinishReason | undefined> {
  if (stopTokenIds.has(history.at(-1) as number)) return 'stop'
  if (endsText !== undefined && (await endsText(history.slice(promptLength)))) return 'stop'
  return history.length - promptLength >= maxNewTokens ? 'length' : undefined
}

/** The first child of a hypothesis stays in its slot; the others take slots whose hypotheses have none, as copies. */
function placeHypotheses(group: Group, { sources, destinations, lengths }: Copies): void {
  const { search, slots, placed, cached } = group
  const parents = search.running.map(({ parent }) => placed[parent] as number)
  const spare = slots.filter((slot) => !parents.includes(slot))
  group.placed = parents.map((slot, i) => {
    if (parents.indexOf(slot) === i) return slot
    const copy = spare.shift() as number
    sources.push(slot)
    destinations.push(copy)
    lengths.push(cached)
    return copy
  })
}
