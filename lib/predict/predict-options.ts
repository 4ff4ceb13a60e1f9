import { z } from 'zod'
import { signalOption } from '../abort.js'
import { checkedStride, usualStrideOf } from '../data/windows.js'
import type { OptionTable } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'

export type PredictionProgress = (done: { readonly rows: number }) => void

const progress = z.custom<PredictionProgress>((value) => typeof value === 'function').describe('a function')

/** What all verbs that predict take. */
export const runOptions = {
  tokensPerBatch: { type: z.int().min(1), description: 'Tokens worked on at once', default: 2048 },
  tokenizer: {
    type: z.custom<Tokenizer>((value) => typeof value === 'object' && value !== null).describe('a Tokenizer'),
    description: "Reads the texts; absent: the one in the model's directory",
    flag: false,
  },
  onProgress: { type: progress, description: 'Called after each batch', flag: false },
  signal: signalOption,
} satisfies OptionTable

/** See `runOptions` for each option's meaning and default. */
export interface RunOptions {
  /** Tokens worked on at once. @default 2048 */
  readonly tokensPerBatch?: number | undefined
  /** @default the one in the model's directory */
  readonly tokenizer?: Tokenizer | undefined
  /** Called after each batch with the rows that are done. */
  readonly onProgress?: PredictionProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/** Of verbs that read a text as a whole. */
export const cutOptions = {
  maxLength: { type: z.int().min(2), description: 'Tokens of a text at most; absent: what the model takes' },
  truncation: {
    type: z.enum(['error', 'tail', 'head']),
    description: 'Of longer texts: refuse, cut off the end, or cut off the beginning',
    default: 'error' as const,
  },
} satisfies OptionTable

export interface CutOptions {
  /** Tokens of a text at most. @default what the model takes */
  readonly maxLength?: number | undefined
  /** What happens to longer texts: refused, their end cut off, or their beginning. @default 'error' */
  readonly truncation?: 'error' | 'tail' | 'head' | undefined
}

/** Of classifiers, which can also read a long text in windows. */
export const cutOrWindowOptions = {
  ...cutOptions,
  truncation: {
    type: z.enum(['error', 'tail', 'head', 'window']),
    description:
      'Of longer texts: refuse, cut off the end, cut off the beginning, or read in windows, of which the mean of the logits counts; of a pair the second text',
    default: 'error' as const,
  },
  stride: {
    type: z.int().min(0),
    description: "Tokens that neighbouring windows share, with truncation 'window'; absent: 0",
  },
} satisfies OptionTable

export interface CutOrWindowOptions extends Omit<CutOptions, 'truncation'> {
  /**
   * What happens to longer texts: refused, their end cut off, or their beginning, or read in windows, of which the mean of the logits
   * counts; of a pair the second text is cut into windows. @default 'error'
   */
  readonly truncation?: CutOptions['truncation'] | 'window'
  /** Tokens that neighbouring windows share, with truncation 'window'. @default 0 */
  readonly stride?: number | undefined
}

/** Of verbs that read a long text in overlapping windows. */
export const windowOptions = {
  maxLength: {
    type: z.int().min(2),
    description: 'Tokens of a window at most; absent: what the model takes, of questions 384',
  },
  stride: {
    type: z.int().min(0),
    description: 'Tokens that neighbouring windows of a long text share; absent: 128, or a third of a shorter window',
  },
} satisfies OptionTable

export interface WindowOptions {
  /** Tokens of a window at most. @default what the model takes, of questions no more than 384 */
  readonly maxLength?: number | undefined
  /** Tokens that neighbouring windows of a long text share. @default 128, or a third of a shorter window */
  readonly stride?: number | undefined
}

/** What windows share of verbs that always read a long text in windows. @throws AttuneError 'invalid-option' */
export function windowStride(stride: number | undefined, maxLength: number): number {
  return checkedStride({ truncation: 'window', stride, maxLength }, usualStrideOf(maxLength))
}
