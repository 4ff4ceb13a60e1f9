import { z } from 'zod'
import { signalOption } from '../abort.js'
import { AttuneError } from '../errors.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import { builtInTemplateNames, type BuiltInTemplateName } from '../tokenizer/chat-templates/index.js'
import type { Message, Tool } from '../tokenizer/message.js'

/** A text to go on with, a conversation (by the chat template), or token ids as they are. */
export type Prompt = string | readonly Message[] | readonly number[] | Int32Array

const share = z.number().gt(0).max(1)
const list = z.union([z.string().transform((text) => [text]), z.array(z.string().min(1))])

export const generateOptions = {
  maxNewTokens: { type: z.int().min(1), description: 'New tokens at most', default: 256 },
  minNewTokens: {
    type: z.int().min(0),
    description: 'No stop token comes before there are so many new tokens',
    default: 0,
  },
  temperature: {
    type: z.number().min(0),
    description:
      'Below 1 sharper, above 1 more varied; 0: the likeliest token always; absent: 0, or 1 where a filter below is given',
  },
  topK: { type: z.int().min(0), description: 'Only the k likeliest tokens; 0: all', default: 0 },
  topP: { type: share, description: 'Only the likeliest tokens that have this much probability together', default: 1 },
  minP: {
    type: z.number().min(0).max(1),
    description: "Only tokens with this share of the best one's probability",
    default: 0,
  },
  typicalP: {
    type: share,
    description: 'Only the tokens nearest to the expected information, up to this much probability',
    default: 1,
  },
  repetitionPenalty: {
    type: z.number().positive(),
    description: 'Above 1: tokens of the text so far become less likely',
    default: 1,
  },
  noRepeatNgramSize: {
    type: z.int().min(0),
    description: 'No sequence of this many tokens comes twice; 0: any may',
    default: 0,
  },
  stop: {
    type: list.describe('a text or a list of texts'),
    description: 'Texts that end the answer and are not part of it',
    default: [] as string[],
  },
  stopTokenIds: {
    type: z.array(z.int().min(0)).describe('a list of token ids'),
    description: "Tokens that end the answer; absent: the model's own end tokens",
  },
  badWordsIds: {
    type: z.array(z.array(z.int().min(0)).min(1)).describe('a list of lists of token ids'),
    description: 'Sequences of tokens that never come',
    default: [] as number[][],
  },
  numBeams: {
    type: z.int().min(1),
    description: 'Beam search with so many hypotheses at once; 1: none',
    default: 1,
  },
  lengthPenalty: {
    type: z.number(),
    description:
      'Score of a hypothesis of the beam search: sum of log probabilities / (new tokens ^ lengthPenalty); above 0 favours long texts',
    default: 1,
  },
  earlyStopping: {
    type: z.union([z.boolean(), z.literal('never')]),
    description:
      "When as many hypotheses as beams are finished, true ends the beam search at once, false when those left score no better as they stand, 'never' when they cannot get better at all",
    default: false,
    flag: 'true|false|never',
  },
  numReturnSequences: {
    type: z.int().min(1),
    description: 'Answers to each prompt: the best of the beam search, or as many drawn',
    default: 1,
  },
  seed: { type: z.int().min(0), description: 'Decides what is drawn: same seed, same text', default: 0 },
  batchSize: { type: z.int().min(1), description: 'Prompts worked on at once', default: 8 },
  chatTemplate: {
    type: z.string().min(1),
    description: `How conversations are written, where the model has no template or another is wanted: ${builtInTemplateNames.join(', ')}, a file, or the template's text`,
  },
  tools: {
    type: z.array(z.record(z.string(), z.unknown())).describe('a list of JSON schemas'),
    description: 'Tools for the chat template',
    flag: false,
  },
  templateVariables: {
    type: z.record(z.string(), z.unknown()).describe('an object'),
    description: 'Further variables of the chat template',
    flag: false,
  },
  signal: signalOption,
} satisfies OptionTable

/** See `generateOptions` for each option's meaning and default. */
export interface GenerateOptions {
  /** @default 256 */
  readonly maxNewTokens?: number | undefined
  /** No stop token comes before there are so many new tokens. @default 0 */
  readonly minNewTokens?: number | undefined
  /** 0: the likeliest token always. @default 0, or 1 where topK, topP, minP or typicalP is given */
  readonly temperature?: number | undefined
  /** @default 0: all */
  readonly topK?: number | undefined
  /** @default 1 */
  readonly topP?: number | undefined
  /** @default 0 */
  readonly minP?: number | undefined
  /** @default 1 */
  readonly typicalP?: number | undefined
  /** @default 1 */
  readonly repetitionPenalty?: number | undefined
  /** @default 0: any may repeat */
  readonly noRepeatNgramSize?: number | undefined
  /** @default none */
  readonly stop?: string | readonly string[] | undefined
  /** @default the end tokens of tokenizer and generation_config.json */
  readonly stopTokenIds?: readonly number[] | undefined
  /** Sequences of tokens that never come. @default none */
  readonly badWordsIds?: readonly (readonly number[])[] | undefined
  /** Beam search with so many hypotheses at once. @default 1: none */
  readonly numBeams?: number | undefined
  /** A hypothesis scores sum of log probabilities / (new tokens ^ lengthPenalty). @default 1 */
  readonly lengthPenalty?: number | undefined
  /**
   * Once as many hypotheses as beams are finished: true ends the search at once, false when those left score no better
   * as they stand, 'never' when they cannot get better at all. @default false
   */
  readonly earlyStopping?: boolean | 'never' | undefined
  /** Answers to each prompt, next to each other in the result: the best of the beam search, or as many drawn. @default 1 */
  readonly numReturnSequences?: number | undefined
  /** Same seed, same text, whatever else is in the batch. @default 0 */
  readonly seed?: number | undefined
  /** Prompts worked on at once. @default 8 */
  readonly batchSize?: number | undefined
  /** A built-in chat template by its name, a file, or a template's text. @default the tokenizer's own */
  readonly chatTemplate?: BuiltInTemplateName | (string & {}) | undefined
  /** For the chat template. @default none */
  readonly tools?: readonly Tool[] | undefined
  /** For the chat template. @default none */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined
  readonly signal?: AbortSignal | undefined
}

export type SettledGenerateOptions = Settled<typeof generateOptions> & { readonly temperature: number }

export function settleGenerateOptions(options: GenerateOptions = {}): SettledGenerateOptions {
  const settled = settleOptions(generateOptions, options)
  const filters = settled.topK > 0 || settled.topP < 1 || settled.minP > 0 || settled.typicalP < 1
  const complete = { ...settled, temperature: settled.temperature ?? (filters ? 1 : 0) }
  requireConsistent(complete)
  return complete
}

function requireConsistent(options: SettledGenerateOptions): void {
  const { numBeams, numReturnSequences, temperature, minNewTokens, maxNewTokens } = options
  const refuse = (option: keyof GenerateOptions, message: string): never => {
    throw new AttuneError('invalid-option', `options.${option}: ${message}`, { where: `options.${option}` })
  }
  if (minNewTokens > maxNewTokens) {
    refuse('minNewTokens', `expected at most maxNewTokens (${maxNewTokens}), received ${minNewTokens}`)
  }
  if (numBeams > 1 && temperature > 0) {
    refuse(
      'numBeams',
      'a beam search draws nothing: leave out temperature, topK, topP, minP and typicalP, or the beams',
    )
  }
  if (numBeams > 1 && numReturnSequences > numBeams) {
    refuse('numReturnSequences', `expected at most numBeams (${numBeams}), received ${numReturnSequences}`)
  }
  if (numBeams === 1 && temperature === 0 && numReturnSequences > 1) {
    refuse('numReturnSequences', 'all answers would be the same: set numBeams or temperature')
  }
}
