import { z } from 'zod'
import type { TrainingData } from '../data/prepare-data.js'
import type { OptionTable } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'

const rows = z
  .custom<TrainingData>((value) => typeof value === 'object' && value !== null && 'length' in value)
  .describe('a Dataset or a list of { inputIds, labels }')

/** Which rows a run trains on, and how they are encoded. */
export const dataOptions = {
  train: { type: rows, description: 'Rows to train on', flag: false },
  validation: { type: rows, description: 'Rows to measure during training', flag: false },
  tokenizer: {
    type: z.custom<Tokenizer>((value) => typeof value === 'object' && value !== null).describe('a Tokenizer'),
    description: "Encodes the rows; absent: the one in the model's directory",
    flag: false,
  },
  shuffle: { type: z.boolean(), description: 'Rows come in a new random order each epoch', default: true },
  groupByLength: { type: z.boolean(), description: 'Rows of like length share a batch', default: false },
  lossOn: {
    type: z.enum(['all', 'completion', 'assistant', 'last-assistant']),
    description:
      'Which tokens carry the loss of a causal model; absent: completions, assistant turns, or all of a plain text',
  },
  maxLength: { type: z.int().min(2), description: 'Tokens of a row at most; absent: what the model takes' },
  truncation: {
    type: z.enum(['error', 'tail', 'head', 'skip', 'split']),
    description:
      'Of longer rows: refuse, cut off the end, cut off the beginning, or leave out; of a masked model also make several of one',
    default: 'error' as const,
  },
  labelPieces: {
    type: z.enum(['first', 'all']),
    description: "Of token classification: which pieces of a word carry its label; absent: 'first'",
  },
  stride: {
    type: z.int().min(0),
    description: 'Of question answering: tokens that neighbouring windows of a context share; absent: 128',
  },
  maskProbability: {
    type: z.number().gt(0).lt(1),
    description: 'Of a masked model: part of the tokens that is to be predicted; absent: 0.15',
  },
  wholeWord: { type: z.boolean(), description: 'Of a masked model: all pieces of a word are masked together' },
  prefix: { type: z.string(), description: 'Of sequence to sequence: put before each source' },
  maxTargetLength: {
    type: z.int().min(2),
    description: 'Of sequence to sequence: tokens of a target at most; absent: maxLength',
  },
} satisfies OptionTable

export interface DataOptions {
  readonly train: TrainingData
  readonly validation?: TrainingData | undefined
  readonly tokenizer?: Tokenizer | undefined
  /** @default true */
  readonly shuffle?: boolean | undefined
  /** @default false */
  readonly groupByLength?: boolean | undefined
  /** Of a causal model. @default completions, assistant turns, or all of a plain text */
  readonly lossOn?: 'all' | 'completion' | 'assistant' | 'last-assistant' | undefined
  /** Tokens. @default what the model takes; 384 for question answering */
  readonly maxLength?: number | undefined
  /** 'split' (several of one) is for masked models. @default 'error' */
  readonly truncation?: 'error' | 'tail' | 'head' | 'skip' | 'split' | undefined
  /** Of token classification. @default 'first' */
  readonly labelPieces?: 'first' | 'all' | undefined
  /** Of question answering: tokens that windows share. @default 128 */
  readonly stride?: number | undefined
  /** Of a masked model. @default 0.15 */
  readonly maskProbability?: number | undefined
  /** Of a masked model: whether pieces of a word are masked together. @default false */
  readonly wholeWord?: boolean | undefined
  /** Of sequence to sequence: put before each source. @default '' */
  readonly prefix?: string | undefined
  /** Of sequence to sequence. @default maxLength */
  readonly maxTargetLength?: number | undefined
}
