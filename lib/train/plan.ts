import {
  countTargets,
  prepareData,
  type EncodedExample,
  type PreparedData,
  type TrainingData,
} from '../data/prepare-data.js'
import { AttuneError } from '../errors.js'
import type { BatchSizes, Model } from '../models/model.js'
import type { NativeMemory } from '../native.js'
import { StepPlan } from './step-plan.js'
import {
  settleTrainOptions,
  type SettledTrainOptions,
  type TrainingOptionsWithData,
  type TrainOptions,
} from './train-options.js'
import { countParameters, selectTrained, trainedNames, type ParameterCounts } from './trained-parameters.js'
import type { WarningCode } from './warning-code.js'

/** What a run will do and need, known before its first step. */
export interface TrainingPlan {
  readonly parameters: ParameterCounts
  /** Rows trained on, after those left out. */
  readonly rows: number
  readonly validationRows: number
  /** Tokens of one epoch. */
  readonly tokens: number
  readonly labelledTokens: number
  /** Tokens of the longest row. */
  readonly longest: number
  readonly truncated: number
  readonly skipped: number
  readonly epochs: number
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly warmupSteps: number
  readonly learningRate: number
  /** The batch that needs the most memory. */
  readonly largestBatch: BatchSizes
  /** Exact bytes, with that batch. */
  readonly memory: NativeMemory
  readonly warnings: readonly { readonly code: WarningCode; readonly message: string }[]
  readonly instructionSet: string
  readonly threads: number
}

/** A run made ready: the rows encoded, the steps laid out, the parameters chosen. */
export interface PreparedRun {
  readonly plan: TrainingPlan
  readonly steps: StepPlan
  readonly train: PreparedData
  readonly validation: PreparedData | undefined
}

/**
 * What training with these options would do and need; the model is as before afterwards.
 * @throws what a run would throw before its first step
 */
export async function plan(
  model: Model,
  train: TrainingData,
  options: Omit<TrainOptions, 'train'> = {},
): Promise<TrainingPlan> {
  const settled = settleTrainOptions({ ...options, train })
  const before = trainedNames(model)
  try {
    return (await prepareRun(model, settled)).plan
  } finally {
    if (settled.adapter !== undefined && model.adapter === settled.adapter) await model.removeAdapter()
    else if (settled.freeze !== undefined) model.setTrainable(before.length === 0 ? 'none' : before)
  }
}

/** Encodes, chooses what is trained and plans; all that can be refused is refused here. */
export async function prepareRun(
  model: Model,
  options: TrainingOptionsWithData,
  signal?: AbortSignal,
): Promise<PreparedRun> {
  const { maxPositions, vocabularySize } = model.definition
  const prepare = (data: TrainingData, where: string): Promise<PreparedData> =>
    prepareData(
      data,
      () => (options.tokenizer === undefined ? model.tokenizer() : Promise.resolve(options.tokenizer)),
      {
        loss: options.lossOn,
        maxLength: options.maxLength,
        truncation: options.truncation,
        signal,
        maxPositions,
        vocabularySize,
        where,
      },
    )
  const train = await prepare(options.train, 'options.train')
  const validation =
    options.validation === undefined || options.validation.length === 0
      ? undefined
      : await prepare(options.validation, 'options.validation')
  const steps = new StepPlan(train.examples, options)
  if (steps.warmupSteps > steps.steps) {
    const message = `options.warmupSteps: ${steps.warmupSteps} steps of warm-up in a run of ${steps.steps}`
    throw new AttuneError('invalid-option', message, { where: 'options.warmupSteps' })
  }
  await selectTrained(model, options)
  const parameters = countParameters(model)
  const { sizes: largestBatch, memory } = largest(model, train.examples, steps)
  const described = {
    parameters,
    rows: train.examples.length,
    validationRows: validation?.examples.length ?? 0,
    tokens: train.tokens,
    labelledTokens: train.labelledTokens,
    longest: train.longest,
    truncated: train.truncated,
    skipped: train.skipped,
    epochs: steps.epochAfter(steps.steps),
    steps: steps.steps,
    stepsPerEpoch: steps.stepsPerEpoch,
    warmupSteps: steps.warmupSteps,
    learningRate: options.learningRate ?? (model.adapter === undefined ? 5e-5 : 2e-4),
    largestBatch,
    memory,
    instructionSet: model.instructionSet,
    threads: model.threads,
  }
  return { plan: { ...described, warnings: warningsOf(described, options) }, steps, train, validation }
}

// Memory grows with every size, so only batches that no other exceeds in all sizes are asked for.
function largest(
  model: Model,
  examples: readonly EncodedExample[],
  steps: StepPlan,
): { sizes: BatchSizes; memory: NativeMemory } {
  let front: BatchSizes[] = []
  const labelled = examples.map(({ labels }) => countTargets(labels))
  for (let step = 0; step < steps.steps; step++) {
    for (const batch of steps.microBatches(step)) {
      const sizes = { tokens: 0, sequences: batch.length, rows: 0 }
      for (const index of batch) {
        sizes.tokens += examples[index]?.inputIds.length ?? 0
        sizes.rows += labelled[index] ?? 0
      }
      if (front.some((other) => covers(other, sizes))) continue
      front = [...front.filter((other) => !covers(sizes, other)), sizes]
    }
  }
  const planned = front.map((sizes) => ({ sizes, memory: model.plan(sizes) }))
  return planned.reduce((a, b) => (b.memory.total > a.memory.total ? b : a))
}

function covers(a: BatchSizes, b: BatchSizes): boolean {
  return a.tokens >= b.tokens && a.sequences >= b.sequences && a.rows >= b.rows
}

// Below this, a handful of rows decides what is learned.
const fewRows = 50
const manyEpochs = 10
const fewSteps = 20

function warningsOf(
  plan: Omit<TrainingPlan, 'warnings' | 'memory'>,
  options: SettledTrainOptions,
): { code: WarningCode; message: string }[] {
  const warnings: { code: WarningCode; message: string }[] = []
  const warn = (code: WarningCode, message: string): number => warnings.push({ code, message })
  if (plan.rows < fewRows)
    warn('few-rows', `${plan.rows} rows are few: the model may learn them by heart. Some hundred are a good start.`)
  if (plan.epochs > manyEpochs) {
    warn(
      'many-epochs',
      `${Number(plan.epochs.toFixed(1))} epochs are many: watch the validation loss, or set earlyStopping.`,
    )
  }
  if (plan.steps < fewSteps) warn('few-steps', `${plan.steps} steps are few: try a smaller batchSize or more epochs.`)
  if (plan.truncated > 0) {
    warn(
      'truncated-rows',
      `${plan.truncated} of ${plan.rows} rows were cut to ${options.maxLength ?? 'the length the model takes'} tokens.`,
    )
  }
  if (plan.skipped > 0) warn('skipped-rows', `${plan.skipped} rows were left out: too long, or without a label.`)
  return warnings
}
