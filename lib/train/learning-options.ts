import { z } from 'zod'
import type { OptimizerKind } from '../native.js'
import type { LoraConfig } from '../nn/lora.js'
import type { OptionTable } from '../options.js'
import type { GradientCheckpointing } from './gradient-checkpointing.js'
import { scheduleNames, type ScheduleName, type ScheduleOptions } from './schedules.js'

/**
 * What is left as it is in a run without adapter: nothing ('none'), all but the last layers, the head, or the
 * parameters whose names match. 'head' trains the head alone.
 */
export type Freeze = 'none' | 'head' | { readonly lastLayers: number } | readonly (string | RegExp)[]

/** By label in their order, by name, or from the rows. */
export type Weights = 'balanced' | readonly number[] | Readonly<Record<string, number>>

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

const weight = z.number().min(0)
const weights = z
  .union([z.literal('balanced'), z.array(weight).min(1), z.record(z.string(), weight)])
  .describe("'balanced', a list of numbers from 0 on, or such numbers by label")

/** What is trained, and how each step goes. */
export const learningOptions = {
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
  batchSize: {
    type: count,
    description:
      'Rows in a batch, or bins of packed rows; absent: 8 rows, 1 bin, or as many rows as batchTokens allows',
  },
  batchTokens: {
    type: count,
    description: 'Tokens in a batch at most, so that batches of long rows have fewer of them; absent: no limit',
  },
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
  optim: {
    type: z.enum(['adamw', 'adamw_8bit']),
    description:
      'The optimizer; adamw_8bit holds what AdamW remembers of each weight in 2 bytes instead of 8: less memory, nearly the same numbers',
    default: 'adamw' as const,
  },
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
  labelSmoothing: { type: share, description: 'Target probability spread evenly over the classes', default: 0 },
  classWeights: {
    type: weights,
    description:
      "Of single labels and tags: weight of each in the loss, as a list, by name, or 'balanced' (rows / (labels · rows of the label))",
  },
  positiveWeights: {
    type: weights,
    description:
      "Of many labels: weight of each label's positive rows, as a list, by name, or 'balanced' (negative rows / positive rows)",
  },
  focalGamma: {
    type: z.number().min(0),
    description: 'Focal loss of classification: rows that are right already count (1 − p)^gamma; 0: plain loss',
    default: 0,
  },
  neftuneAlpha: {
    type: z.number().min(0),
    description: 'Noise on the token embeddings (NEFTune), such as 5; 0: none',
    default: 0,
  },
  gradientCheckpointing: {
    type: z.union([z.boolean(), z.literal('auto')]).describe("true, false or 'auto'"),
    description:
      'Whether each layer is computed again in the backward pass instead of kept: less memory, more time, the same numbers; auto: where the run does not fit in memory otherwise',
    default: 'auto' as const,
    flag: 'auto|true|false',
  },
  layerwiseDecay: {
    type: z.number().gt(0).max(1),
    description:
      'Each layer learns at this part of the rate of the layer above it: the head at the full rate, the embeddings at the lowest; 1: all alike',
    default: 1,
  },
  unfreeze: {
    type: z
      .strictObject({ every: z.union([z.literal('epoch'), count]), layers: count.default(1) })
      .describe("{ every: 'epoch' or a number of steps, layers: n }"),
    description:
      'Gradual unfreezing: the head is trained first, and so many layers more, from the top, each time; absent: all from the start',
  },
  seed: {
    type: z.int().min(0),
    description: "Decides the order of the rows, the adapter's initial values, dropout, and what is masked",
    default: 42,
  },
} satisfies OptionTable

export interface LearningOptions {
  /** What `lora({ … })` returns. The model's own weights then stay as they are. */
  readonly adapter?: LoraConfig | undefined
  /** What of the model is not trained, in a run without adapter. @default as `model.setTrainable` said */
  readonly freeze?: Freeze | undefined
  /** Passes over the training rows. @default 3 */
  readonly epochs?: number | undefined
  /** Optimizer steps at most. @default as many as the epochs need */
  readonly maxSteps?: number | undefined
  /** Rows in a batch, or bins of packed rows. @default 8; with packing 1; with batchTokens no limit */
  readonly batchSize?: number | undefined
  /** Tokens in a batch at most. @default no limit */
  readonly batchTokens?: number | undefined
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
  /** 'adamw_8bit' has moments of a byte each (Dettmers et al. 2022), but of small parameters. @default 'adamw' */
  readonly optim?: OptimizerKind | undefined
  /** Biases and norms are left out. @default 0.01 */
  readonly weightDecay?: number | undefined
  /** @default [0.9, 0.999] */
  readonly betas?: readonly [number, number] | undefined
  /** @default 1e-8 */
  readonly eps?: number | undefined
  /** 0: no clipping. @default 1 */
  readonly maxGradNorm?: number | undefined
  /** Target probability spread evenly over the classes. @default 0 */
  readonly labelSmoothing?: number | undefined
  /** Of single labels and tags; 'balanced': rows / (labels · rows of the label). By name, those left out weigh 1. @default all 1 */
  readonly classWeights?: Weights | undefined
  /** Of many labels: weight of each label's positive rows; 'balanced': negative rows / positive rows. @default all 1 */
  readonly positiveWeights?: Weights | undefined
  /** Focal loss (Lin et al. 2017): rows that are right already count (1 − p)^gamma. @default 0 */
  readonly focalGamma?: number | undefined
  /** NEFTune (Jain et al. 2023): noise on the token embeddings. @default 0 */
  readonly neftuneAlpha?: number | undefined
  /**
   * Whether each layer is computed again in the backward pass instead of kept (Chen et al. 2016): less memory, more time, the same
   * numbers. 'auto': where the run does not fit in memory otherwise. @default 'auto'
   */
  readonly gradientCheckpointing?: GradientCheckpointing | undefined
  /** Each layer's rate is this part of the rate of the layer above it; the head learns at the full rate. @default 1 */
  readonly layerwiseDecay?: number | undefined
  /** Gradual unfreezing (Howard & Ruder 2018): the head first, `layers` more (1) from the top each time. @default all from the start */
  readonly unfreeze?: { readonly every: 'epoch' | number; readonly layers?: number | undefined } | undefined
  /** @default 42 */
  readonly seed?: number | undefined
}
