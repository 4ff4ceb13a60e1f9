import { z } from 'zod'
import { signalOption } from '../abort.js'
import type { Dataset } from '../data/dataset.js'
import { encodingOptions, type EncodingOptions } from '../data/encoding-options.js'
import type { GenerateOptions } from '../generate/generate-options.js'
import { Model } from '../models/model.js'
import { omit, type OptionTable } from '../options.js'
import { metricOptions, type MetricOptions } from './metric-options.js'
import type { TrainingData } from '../data/prepare-data.js'
import type { BaselineName, EvaluationMetric, EvaluationRecord } from './report.js'

export type EvaluationProgress = (done: { readonly rows: number; readonly ofRows: number }) => void

/** A number, or an object of them, from the records. */
export type CustomMetric = (records: readonly EvaluationRecord[]) => number | object

const custom = <Value>(description: string) =>
  z.custom<Value>((value) => typeof value === 'object' && value !== null).describe(description)

export const evaluateOptions = {
  metrics: {
    type: z
      .union([z.string().transform((names) => names.split(',')), z.array(z.string()).min(1)])
      .describe('a list of names of metrics'),
    description:
      'What to measure; absent: what is usual for the task. bleu, chrf, ter, rouge1, rouge2, rougeL, f1 and exact-match make a language model write',
    flag: 'list',
  },
  confidence: {
    type: z.number().gt(0).lt(1),
    description: 'Adds bootstrapped intervals that hold this share of the resamples, such as 0.95',
  },
  resamples: { type: z.int().min(1), description: 'Of the bootstrap', default: 1000 },
  baselines: {
    type: z.array(z.enum(['majority', 'untuned'])).describe('a list of majority, untuned'),
    description:
      "What stands beside the model: 'majority' knows how often labels occur and nothing else, 'untuned' is the model without its adapter; absent: all that there are",
    flag: 'list',
  },
  generate: {
    type: z.boolean(),
    description: 'Has a language model write, and measures that too',
    default: false,
  },
  generation: { type: custom<GenerateOptions>('options of generate'), description: 'How it writes', flag: false },
  fewShot: {
    type: custom<{ readonly examples: Dataset; readonly count: number }>('{ examples, count }'),
    description: 'Adds the baseline of the untuned model that sees some solved examples',
    flag: false,
  },
  untuned: {
    type: z.custom<Model>((value) => value instanceof Model).describe('a Model'),
    description: "The model before it was tuned; absent: the model with its adapter's work left out",
    flag: false,
  },
  train: {
    type: custom<TrainingData>('a Dataset or encoded rows'),
    description: 'Rows that the majority is taken from; absent: those that are measured',
    flag: false,
  },
  records: { type: z.boolean(), description: 'Whether each row is in the report', default: false, flag: false },
  customMetrics: {
    type: custom<Readonly<Record<string, CustomMetric>>>('functions of the records by name'),
    description: 'Further metrics, computed from the records',
    flag: false,
  },
  ...metricOptions,
  tokensPerBatch: { type: z.int().min(1), description: 'Tokens worked on at once', default: 2048 },
  ...omit(encodingOptions, 'labelPieces'),
  seed: { type: z.int().min(0), description: 'Decides what is masked and what the bootstrap draws', default: 0 },
  onProgress: {
    type: z.custom<EvaluationProgress>((value) => typeof value === 'function').describe('a function'),
    description: 'Called after each batch',
    flag: false,
  },
  signal: signalOption,
} satisfies OptionTable

/** See `evaluateOptions` for each option's meaning and default. */
export interface EvaluateOptions extends MetricOptions, Omit<EncodingOptions, 'labelPieces'> {
  /** @default what is usual for the task: `defaultMetrics(model)` */
  readonly metrics?: readonly EvaluationMetric[] | EvaluationMetric | undefined
  /** Adds bootstrapped intervals that hold this share of the resamples, and comparisons with the baselines. @default none */
  readonly confidence?: number | undefined
  /** Of the bootstrap. @default 1000 */
  readonly resamples?: number | undefined
  /** `[]`: none. @default all that there are: measuring the untuned model doubles the time */
  readonly baselines?: readonly Exclude<BaselineName, 'few-shot'>[] | undefined
  /** Has a language model write, and measures that too. @default where metrics of texts are asked for */
  readonly generate?: boolean | undefined
  /** How it writes. @default as `generate` does */
  readonly generation?: GenerateOptions | undefined
  /** Adds the baseline of the untuned model that sees `count` solved examples before each prompt. @default none */
  readonly fewShot?: { readonly examples: Dataset; readonly count: number } | undefined
  /** The model before it was tuned, for the baseline. @default the model with its adapter off */
  readonly untuned?: Model | undefined
  /** Rows that the majority is taken from. @default those that are measured */
  readonly train?: TrainingData | undefined
  /** Whether each row is in the report. @default false */
  readonly records?: boolean | undefined
  /** Further metrics, computed from the records. @default none */
  readonly customMetrics?: Readonly<Record<string, CustomMetric>> | undefined
  /** Tokens worked on at once. @default 2048 */
  readonly tokensPerBatch?: number | undefined
  /** Decides what is masked and what the bootstrap draws. @default 0 */
  readonly seed?: number | undefined
  readonly onProgress?: EvaluationProgress | undefined
}
