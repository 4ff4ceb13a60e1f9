import { z } from 'zod'
import type { TrainingData } from '../data/prepare-data.js'
import { AttuneError } from '../errors.js'
import type { LoraConfig } from '../nn/lora.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { scheduleNames, type ScheduleName, type ScheduleOptions } from './schedules.js'

/**
 * What is left as it is in a run without adapter: nothing ('none'), all but the last layers, the head, or the
 * parameters whose names match. 'head' trains the head alone.
 */
export type Freeze = 'none' | 'head' | { readonly lastLayers: number } | readonly (string | RegExp)[]

const count = z.int().min(1)
const share = z.number().min(0).lt(1)
const ramp = z.enum(['linear', 'cosine', '1-sqrt'])

const schedule = z
  .union([
    z.enum(scheduleNames),
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.enum(['linear', 'constant', 'constant_with_warmup']) }),
      z.strictObject({ type: z.literal('cosine'), numCycles: z.number().positive().optional() }),
      z.strictObject({ type: z.literal('cosine_with_restarts'), numCycles: z.number().positive().optional() }),
      z.strictObject({
        type: z.literal('cosine_with_min_lr'),
        numCycles: z.number().positive().optional(),
        minLr: z.number().min(0).optional(),
        minLrRate: z.number().min(0).max(1).optional(),
      }),
      z.strictObject({
        type: z.literal('polynomial'),
        lrEnd: z.number().min(0).optional(),
        power: z.number().positive().optional(),
      }),
      z.strictObject({ type: z.literal('inverse_sqrt'), timescale: z.number().positive().optional() }),
      z.strictObject({
        type: z.literal('warmup_stable_decay'),
        numDecaySteps: z.int().min(0).optional(),
        numStableSteps: z.int().min(0).optional(),
        minLrRatio: z.number().min(0).max(1).optional(),
        warmupType: ramp.optional(),
        decayType: ramp.optional(),
        numCycles: z.number().positive().optional(),
      }),
    ]),
  ])
  .describe(`one of ${scheduleNames.join(', ')}, or { type, … } with its settings`)

const rows = z
  .custom<TrainingData>((value) => typeof value === 'object' && value !== null && 'length' in value)
  .describe('a Dataset or a list of { inputIds, labels }')

const every = z.union([z.literal('epoch'), z.literal(false), count])

export const trainOptions = {
  train: { type: rows, description: 'Rows to train on', flag: false },
  validation: { type: rows, description: 'Rows to measure the loss on during training', flag: false },
  tokenizer: {
    type: z.custom<Tokenizer>((value) => typeof value === 'object' && value !== null).describe('a Tokenizer'),
    description: "Encodes the rows; absent: the one in the model's directory",
    flag: false,
  },
  adapter: {
    type: z
      .custom<LoraConfig>((value) => typeof value === 'object' && value !== null && 'type' in value)
      .describe('what lora({ … }) returns'),
    description:
      'Adapter to train, the model itself staying as it is; absent: the one the model has, else the model is trained',
    flag: false,
  },
  freeze: {
    type: z
      .union([
        z.enum(['none', 'head']),
        z.strictObject({ lastLayers: count }),
        z.array(z.union([z.string(), z.instanceof(RegExp)])).min(1),
      ])
      .describe(
        "'none', 'head' (train the head alone), { lastLayers: n } (train the last n layers and what follows) or a list of name patterns to freeze",
      ),
    description:
      'What of the model is not trained, in a run without adapter; absent: as the model has it, at first nothing',
  },
  epochs: { type: z.number().positive(), description: 'Passes over the training rows', default: 3 },
  maxSteps: { type: count, description: 'Optimizer steps at most; absent: as many as the epochs need' },
  batchSize: { type: count, description: 'Rows in a batch', default: 8 },
  gradientAccumulationSteps: {
    type: count,
    description: 'Batches of one optimizer step; their tokens count alike',
    default: 1,
  },
  learningRate: {
    type: z.number().positive(),
    description: 'Highest learning rate; absent: 2e-4 for an adapter, 5e-5 for a model',
  },
  schedule: {
    type: schedule,
    description: "Learning rate over the run, by transformers' names",
    default: 'linear' as const,
  },
  warmupSteps: { type: z.int().min(0), description: 'Steps in which the rate rises from 0; absent: from warmupRatio' },
  warmupRatio: { type: share, description: 'Share of the steps in which the rate rises from 0', default: 0 },
  weightDecay: {
    type: z.number().min(0),
    description: 'Of AdamW; biases and norms are left out',
    default: 0.01,
  },
  betas: {
    type: z.tuple([share, share]).describe('two numbers from 0 on below 1'),
    description: 'Of AdamW: how long the means of gradient and square reach back',
    default: [0.9, 0.999] as [number, number],
  },
  eps: { type: z.number().positive(), description: 'Of AdamW: added to the root of the mean square', default: 1e-8 },
  maxGradNorm: { type: z.number().min(0), description: 'Longer gradients are shortened to this; 0: never', default: 1 },
  labelSmoothing: { type: share, description: 'Target probability spread evenly over the vocabulary', default: 0 },
  seed: {
    type: z.int().min(0),
    description: "Decides the order of the rows, the adapter's initial values and dropout",
    default: 42,
  },
  shuffle: { type: z.boolean(), description: 'Rows come in a new random order each epoch', default: true },
  groupByLength: { type: z.boolean(), description: 'Rows of like length share a batch', default: false },
  lossOn: {
    type: z.enum(['all', 'completion', 'assistant', 'last-assistant']),
    description: 'Which tokens carry the loss; absent: completions, assistant turns, or all of a plain text',
  },
  maxLength: { type: z.int().min(2), description: 'Tokens of a row at most; absent: what the model takes' },
  truncation: {
    type: z.enum(['error', 'tail', 'head', 'skip']),
    description: 'Of longer rows: refuse, cut off the end, cut off the beginning, or leave out',
    default: 'error' as const,
  },
  evaluateEvery: {
    type: every.describe("'epoch', a number of steps, or false"),
    description: 'When the validation loss is measured',
    default: 'epoch' as const,
  },
  checkpointEvery: {
    type: every.describe("'epoch', a number of steps, or false"),
    description: 'When a checkpoint is saved, where there is an output directory; an aborted run saves one always',
    default: 'epoch' as const,
  },
  keepCheckpoints: { type: count, description: 'The newest checkpoints that stay', default: 2 },
  bestMetric: {
    type: z.enum(['loss']),
    description: 'What decides the best state on the validation rows',
    default: 'loss' as const,
  },
  loadBest: {
    type: z.boolean(),
    description: 'At the end the state with the best validation result is put back',
    default: true,
  },
  earlyStopping: {
    type: z
      .strictObject({ patience: count.default(3), minDelta: z.number().min(0).default(0) })
      .describe('{ patience: evaluations, minDelta: least improvement }'),
    description: 'Stops after this many evaluations without improvement; absent: never',
  },
  output: {
    type: z.string().min(1),
    description: 'Directory for the result, checkpoints and log; absent: nothing is saved',
  },
  resume: {
    type: z
      .union([z.literal('auto'), z.literal(false), z.string().min(1)])
      .describe("'auto', false or a checkpoint's directory"),
    description: "Goes on from a checkpoint: 'auto' takes the newest in the output directory, where there is one",
    default: false as const,
  },
} satisfies OptionTable

/** Options of a training run; see `trainOptions` for each one's meaning and default. */
export interface TrainOptions {
  readonly train: TrainingData
  readonly validation?: TrainingData | undefined
  readonly tokenizer?: Tokenizer | undefined
  /** What `lora({ … })` returns. The model's own weights then stay as they are. */
  readonly adapter?: LoraConfig | undefined
  /** What of the model is not trained, in a run without adapter. @default as `model.setTrainable` said */
  readonly freeze?: Freeze | undefined
  /** Passes over the training rows. @default 3 */
  readonly epochs?: number | undefined
  /** Optimizer steps at most. @default as many as the epochs need */
  readonly maxSteps?: number | undefined
  /** Rows in a batch. @default 8 */
  readonly batchSize?: number | undefined
  /** Batches of one optimizer step; their tokens count alike. @default 1 */
  readonly gradientAccumulationSteps?: number | undefined
  /** @default 2e-4 for an adapter, 5e-5 for a model */
  readonly learningRate?: number | undefined
  /** @default 'linear' */
  readonly schedule?: ScheduleName | ScheduleOptions | undefined
  /** Steps. @default from warmupRatio */
  readonly warmupSteps?: number | undefined
  /** Share of all steps. @default 0 */
  readonly warmupRatio?: number | undefined
  /** Biases and norms are left out. @default 0.01 */
  readonly weightDecay?: number | undefined
  /** @default [0.9, 0.999] */
  readonly betas?: readonly [number, number] | undefined
  /** @default 1e-8 */
  readonly eps?: number | undefined
  /** 0: no clipping. @default 1 */
  readonly maxGradNorm?: number | undefined
  /** Target probability spread evenly over the vocabulary. @default 0 */
  readonly labelSmoothing?: number | undefined
  /** @default 42 */
  readonly seed?: number | undefined
  /** @default true */
  readonly shuffle?: boolean | undefined
  /** @default false */
  readonly groupByLength?: boolean | undefined
  /** @default completions, assistant turns, or all of a plain text */
  readonly lossOn?: 'all' | 'completion' | 'assistant' | 'last-assistant' | undefined
  /** Tokens. @default what the model takes */
  readonly maxLength?: number | undefined
  /** @default 'error' */
  readonly truncation?: 'error' | 'tail' | 'head' | 'skip' | undefined
  /** 'epoch' or a number of steps. @default 'epoch' */
  readonly evaluateEvery?: 'epoch' | false | number | undefined
  /** 'epoch' or a number of steps. @default 'epoch' */
  readonly checkpointEvery?: 'epoch' | false | number | undefined
  /** @default 2 */
  readonly keepCheckpoints?: number | undefined
  /** @default 'loss' */
  readonly bestMetric?: 'loss' | undefined
  /** Puts the state with the best validation result back at the end. @default true */
  readonly loadBest?: boolean | undefined
  /** Evaluations without an improvement of `minDelta` before the run stops. @default never */
  readonly earlyStopping?:
    { readonly patience?: number | undefined; readonly minDelta?: number | undefined } | undefined
  /** Directory. @default nothing is saved */
  readonly output?: string | undefined
  /** @default false */
  readonly resume?: 'auto' | false | string | undefined
}

export type SettledTrainOptions = Settled<typeof trainOptions>
export type TrainingOptionsWithData = SettledTrainOptions & { readonly train: TrainingData }

export function settleTrainOptions(options: TrainOptions): TrainingOptionsWithData {
  const settled = settleOptions(trainOptions, options)
  const { train } = settled
  if (train === undefined)
    throw new AttuneError('invalid-option', 'options.train is missing: the rows to train on', {
      where: 'options.train',
    })
  if (settled.adapter !== undefined && settled.freeze !== undefined) {
    const message =
      'options.freeze goes with training the model itself: with an adapter all of the model stays as it is'
    throw new AttuneError('invalid-option', message, { where: 'options.freeze' })
  }
  if (settled.earlyStopping !== undefined && (settled.validation === undefined || settled.evaluateEvery === false)) {
    const message = 'options.earlyStopping needs options.validation and options.evaluateEvery'
    throw new AttuneError('invalid-option', message, { where: 'options.earlyStopping' })
  }
  return { ...settled, train }
}
