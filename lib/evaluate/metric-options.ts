import { z } from 'zod'
import { AttuneError } from '../errors.js'
import type { OptionTable, Settled } from '../options.js'

/** How metrics count. */
export const metricOptions = {
  average: {
    type: z.enum(['binary', 'micro', 'macro', 'weighted', 'samples']),
    description:
      "How precision, recall and F1 of classes become one number; 'binary': of the positive class; 'samples': mean of the rows, for many labels; absent: binary for two classes, micro for entities, else macro",
  },
  positive: { type: z.string(), description: 'The positive class of two; absent: the second' },
  zeroDivision: {
    type: z.union([z.literal(0), z.literal(1)]),
    description: 'What a precision or recall of 0/0 is',
    default: 0 as const,
  },
  topK: { type: z.int().min(1), description: 'Labels that top-k-accuracy looks among', default: 5 },
  threshold: {
    type: z
      .union([z.number().min(0).max(1), z.array(z.number().min(0).max(1)).min(1)])
      .describe('a probability, or one for each label'),
    description: 'Of many labels, those from this probability on are predicted',
    default: 0.5,
  },
  calibrationBins: { type: z.int().min(1), description: 'Bins of calibration-error', default: 15 },
  maxAnswerLength: { type: z.int().min(1), description: 'Tokens of an answer at most', default: 30 },
  noAnswerThreshold: {
    type: z.number(),
    description: "'There is no answer' is said where it scores more than this above the best answer",
    default: 0,
  },
} satisfies OptionTable

export type SettledMetricOptions = Settled<typeof metricOptions>

/** See `metricOptions` for each option's meaning and default. */
export interface MetricOptions {
  /** @default 'binary' for two classes, 'micro' for entities, else 'macro' */
  readonly average?: 'binary' | 'micro' | 'macro' | 'weighted' | 'samples' | undefined
  /** The positive class of two. @default the second */
  readonly positive?: string | undefined
  /** What a precision or recall of 0/0 is. @default 0 */
  readonly zeroDivision?: 0 | 1 | undefined
  /** Labels that top-k-accuracy looks among. @default 5 */
  readonly topK?: number | undefined
  /** Of many labels, those from this probability on are predicted. @default 0.5 */
  readonly threshold?: number | readonly number[] | undefined
  /** Bins of calibration-error. @default 15 */
  readonly calibrationBins?: number | undefined
  /** Tokens of an answer at most. @default 30 */
  readonly maxAnswerLength?: number | undefined
  /** 'There is no answer' is said where it scores more than this above the best answer, of data that has such questions. @default 0 */
  readonly noAnswerThreshold?: number | undefined
}

/** What metrics need to know beside the rows. */
export interface MetricContext {
  readonly labels: readonly string[]
  readonly options: SettledMetricOptions
}

/** Index of the positive class. @throws AttuneError 'invalid-option' */
export function positiveClass({ labels, options }: MetricContext): number {
  if (options.positive === undefined) return 1
  const index = labels.indexOf(options.positive)
  if (index >= 0) return index
  const message = `options.positive: '${options.positive}' is none of the labels ${labels.join(', ')}`
  throw new AttuneError('invalid-option', message, { where: 'options.positive' })
}

/** The averaging of classes. @throws AttuneError 'invalid-option' where it is for another kind of problem */
export function averageOf<Allowed extends string>(
  { options }: MetricContext,
  allowed: readonly Allowed[],
  usual: Allowed,
): Allowed {
  if (options.average === undefined) return usual
  const found = allowed.find((one) => one === options.average)
  if (found !== undefined) return found
  const message = `options.average: expected ${allowed.join(', ')} here, received '${options.average}'`
  throw new AttuneError('invalid-option', message, { where: 'options.average' })
}

/** For each label. @throws AttuneError 'invalid-option' where there is another number of them */
export function thresholdsOf({ labels, options }: MetricContext): readonly number[] {
  const { threshold } = options
  if (typeof threshold === 'number') return labels.map(() => threshold)
  if (threshold.length === labels.length) return threshold
  const message = `options.threshold: expected one for each of the ${labels.length} labels, received ${threshold.length}`
  throw new AttuneError('invalid-option', message, { where: 'options.threshold' })
}
