import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { DecodeStream } from '../tokenizer/decode-stream.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { decodeBeams } from './beam-loop.js'
import { decode, type FinishReason } from './decode-loop.js'
import {
  settleGenerateOptions,
  type GenerateOptions,
  type Prompt,
  type SettledGenerateOptions,
} from './generate-options.js'
import { StopStrings } from './stop-strings.js'

/** One new token and the text that it settles. */
export interface GenerationPiece {
  /** '' where the token's text is not settled yet: half a character, or what may begin a stop string. */
  readonly text: string
  readonly tokenId: number
  /** Index among the new tokens. */
  readonly index: number
  /** On the last piece. */
  readonly finishReason?: FinishReason | undefined
  /** On the last piece of a beam search: sum of log probabilities / (new tokens ^ lengthPenalty). */
  readonly score?: number | undefined
}

export interface Generation {
  readonly text: string
  /** With the stop token, where one came. */
  readonly tokenIds: readonly number[]
  readonly finishReason: FinishReason
  readonly promptTokens: number
  /** Of a beam search: sum of log probabilities / (new tokens ^ lengthPenalty). */
  readonly score?: number | undefined
}

/**
 * Goes on with a prompt, piece by piece. A beam search knows its best answer only at its end: all pieces come then.
 * @throws AttuneError 'invalid-option', 'sequence-too-long' (the prompt leaves no room), 'aborted'
 */
export async function* generate(
  model: Model,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<GenerationPiece, void, void> {
  const settled = settleGenerateOptions(options)
  if (settled.numReturnSequences > 1) {
    const message = 'options.numReturnSequences: generate gives one answer; generateBatch gives several'
    throw new AttuneError('invalid-option', message, { where: 'options.numReturnSequences' })
  }
  for await (const { piece } of pieces(model, [prompt], settled)) yield piece
}

/**
 * Goes on with many prompts at once; each gets what it would get alone. With `numReturnSequences` n, answers i·n to
 * i·n + n − 1 are those to prompt i, the best first where beams are searched.
 * @throws AttuneError as `generate`
 */
export async function generateBatch(
  model: Model,
  prompts: readonly Prompt[],
  options: GenerateOptions = {},
): Promise<Generation[]> {
  const settled = settleGenerateOptions(options)
  const results = repeated(prompts, settled.numReturnSequences).map(emptyGeneration)
  for await (const { row, piece, promptTokens } of pieces(model, prompts, settled)) {
    const result = results[row]
    if (result === undefined) continue
    result.text += piece.text
    result.tokenIds.push(piece.tokenId)
    result.promptTokens = promptTokens
    if (piece.finishReason !== undefined) result.finishReason = piece.finishReason
    if (piece.score !== undefined) result.score = piece.score
  }
  return results
}

interface GrowingGeneration extends Generation {
  text: string
  tokenIds: number[]
  finishReason: FinishReason
  promptTokens: number
  score?: number
}

function emptyGeneration(): GrowingGeneration {
  return { text: '', tokenIds: [], finishReason: 'length', promptTokens: 0 }
}

async function* pieces(
  model: Model,
  prompts: readonly Prompt[],
  options: SettledGenerateOptions,
): AsyncGenerator<{ row: number; piece: GenerationPiece; promptTokens: number }, void, void> {
  if (prompts.length === 0) return
  const own = prompts.every(isIds) ? await tokenizerIfThere(model) : await model.tokenizer()
  const { chatTemplate } = options
  const tokenizer = chatTemplate === undefined ? own : await own?.withChatTemplate(chatTemplate)
  const ids: number[][] = []
  for (const [row, prompt] of prompts.entries())
    ids.push(await promptIds(prompt, tokenizer, options, model.definition.kind, `prompts[${row}]`))
  const { maxPositions, decoderStartTokenId } = model.definition
  ids.forEach((row, i) => requireRoom(row.length, maxPositions, `prompts[${i}]`))
  if (tokenizer === undefined && options.stop.length > 0) {
    throw new AttuneError('invalid-option', 'options.stop needs a tokenizer, and the model has none', {
      where: 'options.stop',
    })
  }
  const { batchSize, maxNewTokens, numBeams, numReturnSequences, stop } = options
  // An encoder-decoder reads the prompt as its source, and writes from the start token on.
  const begun = decoderStartTokenId === undefined ? ids : ids.map(() => [decoderStartTokenId])
  const longest = Math.max(...begun.map((row) => row.length))
  const answers = repeated(begun, numReturnSequences)
  const decoder = model.decoder({
    slots: numBeams > 1 ? numBeams * Math.min(batchSize, ids.length) : Math.min(batchSize, answers.length),
    capacity: Math.min(maxPositions, longest + maxNewTokens),
    ...(begun === ids ? {} : { encoderCapacity: Math.max(...ids.map((row) => row.length)) }),
  })
  const sources = begun === ids ? undefined : ids
  try {
    const stopTokenIds = new Set(options.stopTokenIds ?? (await usualStops(tokenizer, prompts)))
    const texts = answers.map(() =>
      tokenizer === undefined ? undefined : new TextOfTokens(tokenizer.decodeStream(), stop),
    )
    const endsText = tokenizer === undefined || stop.length === 0 ? undefined : stopTextTest(tokenizer, stop)
    const tokens =
      numBeams > 1
        ? decodeBeams(decoder, begun, { ...options, stopTokenIds, endsText, sources })
        : decode(decoder, answers, {
            ...options,
            stopTokenIds,
            sources: sources && repeated(sources, numReturnSequences),
          })
    for await (const token of tokens) {
      const { row, index, tokenId, score } = token
      const settled = await texts[row]?.push(tokenId, stopTokenIds.has(tokenId), token.finishReason !== undefined)
      if (settled?.stopped === true) token.end()
      const finishReason = settled?.stopped === true ? 'stop' : token.finishReason
      const piece = {
        text: settled?.text ?? '',
        tokenId,
        index,
        ...(finishReason === undefined ? {} : { finishReason }),
        ...(score === undefined ? {} : { score }),
      }
      yield { row, piece, promptTokens: ids[Math.floor(row / numReturnSequences)]?.length ?? 0 }
    }
  } finally {
    decoder.dispose()
  }
}

/** The tokenizer's end tokens, and in a talk what ends a turn in its chat template. */
async function usualStops(tokenizer: Tokenizer | undefined, prompts: readonly Prompt[]): Promise<readonly number[]> {
  if (tokenizer === undefined) return []
  const talks = prompts.some((prompt) => typeof prompt !== 'string' && !isIds(prompt))
  return talks ? [...tokenizer.eosTokenIds, ...(await tokenizer.turnEndIds())] : tokenizer.eosTokenIds
}

/** Each value so many times in a row. */
function repeated<Value>(values: readonly Value[], times: number): Value[] {
  return values.flatMap((value) => Array.from({ length: times }, () => value))
}

function stopTextTest(
  tokenizer: Tokenizer,
  stops: readonly string[],
): (tokenIds: readonly number[]) => Promise<boolean> {
  return async (tokenIds) => {
    const text = await tokenizer.decode(tokenIds)
    return stops.some((stop) => text.includes(stop))
  }
}

/** The text of one sequence as its tokens come. */
class TextOfTokens {
  readonly #stream: DecodeStream
  readonly #stops: StopStrings

  constructor(stream: DecodeStream, stops: readonly string[]) {
    this.#stream = stream
    this.#stops = new StopStrings(stops)
  }

  /** `silent`: a stop token, which has no text. `last`: nothing follows, so nothing is held back. */
  async push(tokenId: number, silent: boolean, last: boolean): Promise<{ text: string; stopped: boolean }> {
    let text = silent ? '' : await this.#stream.push(tokenId)
    if (last) text += await this.#stream.flush()
    const settled = this.#stops.push(text)
    if (settled.stop !== undefined) return { text: settled.text, stopped: true }
    return { text: settled.text + (last ? this.#stops.flush() : ''), stopped: false }
  }
}

async function promptIds(
  prompt: Prompt,
  tokenizer: Tokenizer | undefined,
  options: SettledGenerateOptions,
  kind: Model['definition']['kind'],
  where: string,
): Promise<number[]> {
  if (isIds(prompt)) return [...prompt]
  if (tokenizer === undefined) {
    throw new AttuneError('invalid-tokenizer', `${where} is a text, and the model has no tokenizer: give token ids`, {
      where,
    })
  }
  if (typeof prompt !== 'string') {
    const { tools, templateVariables: variables } = options
    const text = tokenizer.applyChatTemplate(prompt, {
      addGenerationPrompt: true,
      tools,
      variables,
    })
    return [...(await tokenizer.encode(text, { addSpecialTokens: false }))]
  }
  // An encoder reads what training gave it.
  if (kind === 'encoder-decoder') return [...(await tokenizer.encode(prompt))]
  // What the tokenizer puts after a text (an eos) would end the answer before it begins.
  const { ids, sequenceIds } = await tokenizer.encodeWithOffsets(prompt)
  let length = ids.length
  while (length > 1 && sequenceIds[length - 1] === null) length--
  return [...ids.subarray(0, length)]
}

/** Prompts of token ids need none: pieces have no text then. */
async function tokenizerIfThere(model: Model): Promise<Tokenizer | undefined> {
  try {
    return await model.tokenizer()
  } catch (error) {
    if (error instanceof AttuneError && error.code === 'invalid-tokenizer') return undefined
    throw error
  }
}

function isIds(prompt: Prompt): prompt is readonly number[] | Int32Array {
  return prompt instanceof Int32Array || (Array.isArray(prompt) && typeof prompt[0] === 'number')
}

function requireRoom(length: number, maxPositions: number, where: string): void {
  if (length === 0)
    throw new AttuneError('invalid-option', `${where} has no tokens: there is nothing to go on from`, { where })
  if (length < maxPositions) return
  const message = `${where} has ${length} tokens and the model takes ${maxPositions}: there is no room for an answer. Shorten the prompt.`
  throw new AttuneError('sequence-too-long', message, { where })
}
