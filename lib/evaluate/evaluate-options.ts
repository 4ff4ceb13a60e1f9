import { z } from 'zod'
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { OptionTable } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'

/** What can be measured of a causal language model. */
export const causalMetrics = ['loss', 'perplexity', 'accuracy'] as const
export type CausalMetric = (typeof causalMetrics)[number]

export const evaluateOptions = {
  metrics: {
    type: z
      .union([z.string().transform((name) => [name]), z.array(z.string()).min(1)])
      .describe(`a list of ${causalMetrics.join(', ')}`),
    description: `What to measure: ${causalMetrics.join(', ')}`,
    default: [...causalMetrics] as string[],
  },
  tokensPerBatch: { type: z.int().min(1), description: 'Tokens worked on at once', default: 2048 },
  lossOn: {
    type: z.enum(['all', 'completion', 'assistant', 'last-assistant']),
    description: 'Which tokens are measured; absent: completions, assistant turns, or all of a plain text',
  },
  maxLength: { type: z.int().min(2), description: 'Tokens of a row at most; absent: what the model takes' },
  truncation: {
    type: z.enum(['error', 'tail', 'head', 'skip']),
    description: 'Of longer rows: refuse, cut off the end, cut off the beginning, or leave out',
    default: 'error' as const,
  },
  tokenizer: {
    type: z.custom<Tokenizer>((value) => typeof value === 'object' && value !== null).describe('a Tokenizer'),
    description: "Encodes the rows; absent: the one in the model's directory",
    flag: false,
  },
  onProgress: {
    type: z.custom<EvaluationProgress>((value) => typeof value === 'function').describe('a function'),
    description: 'Called after each batch',
    flag: false,
  },
  signal: { type: z.instanceof(AbortSignal).describe('an AbortSignal'), description: 'Stops the work', flag: false },
} satisfies OptionTable

export type EvaluationProgress = (done: { readonly rows: number; readonly ofRows: number }) => void

/** See `evaluateOptions` for each option's meaning and default. */
export interface EvaluateOptions {
  /** @default ['loss', 'perplexity', 'accuracy'] */
  readonly metrics?: readonly string[] | undefined
  /** Tokens worked on at once. @default 2048 */
  readonly tokensPerBatch?: number | undefined
  /** @default completions, assistant turns, or all of a plain text */
  readonly lossOn?: 'all' | 'completion' | 'assistant' | 'last-assistant' | undefined
  /** Tokens of a row at most. @default what the model takes */
  readonly maxLength?: number | undefined
  /** @default 'error' */
  readonly truncation?: 'error' | 'tail' | 'head' | 'skip' | undefined
  /** @default the one in the model's directory */
  readonly tokenizer?: Tokenizer | undefined
  readonly onProgress?: EvaluationProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/** @throws AttuneError 'invalid-option' for a metric this task does not have, naming those it has */
export function requireMetrics(names: readonly string[]): readonly CausalMetric[] {
  return names.map((name, i) => {
    const metric = causalMetrics.find((known) => known === name)
    if (metric !== undefined) return metric
    const message = `options.metrics[${i}]: there is no metric '${name}' for causal language models.${suggestion(name, causalMetrics)} There are: ${causalMetrics.join(', ')}`
    throw new AttuneError('invalid-option', message, { where: `options.metrics[${i}]` })
  })
}
