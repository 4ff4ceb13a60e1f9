import { collate, isLabelled, type LabelledExample } from '../data/example.js'
import type { ExampleList } from '../data/example-list.js'
import type { LabelledData } from '../data/label-findings.js'
import { lengthCounts } from '../data/length-counts.js'
import { encodingOf } from '../data/encoding-options.js'
import { prepareData, type PreparedData, type TrainingData } from '../data/prepare-data.js'
import type { RowStream } from '../data/row-stream.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { largestBatch, requireFit } from './batch-sizes.js'
import { settleLoss } from './loss-weights.js'
import { memorySuggestions } from './memory-suggestions.js'
import { withCheckpointing } from './gradient-checkpointing.js'
import { splitPlanOptions, type PlanOptions } from './plan-options.js'
import type { PlanSuggestion } from './plan-suggestion.js'
import type { PreparedRun } from './prepared-course.js'
import { baselineOf, processMemory, roomFor } from './process-memory.js'
import { rehearse, type Rehearsal } from './rehearsal.js'
import { runSuggestions } from './run-suggestions.js'
import { countSteps } from './run-work.js'
import { StepPlan } from './step-plan.js'
import { KnownSteps } from './step-source.js'
import { isStreamed } from './stream-options.js'
import { prepareStreamRun } from './stream-plan.js'
import { settleTrainOptions } from './settle-train-options.js'
import type { TrainingOptionsWithData } from './train-options.js'
import { countParameters, selectTrained } from './trained-parameters.js'
import type { TrainingPlan } from './training-plan.js'
import { prepareValidation } from './validation.js'
import { dataWarnings, headWarnings, planWarnings } from './warnings.js'

/**
 * What training with these options would do and need, and about how long it would take. The model is as before afterwards, to
 * the bit; nothing else may use it meanwhile. Of a stream, which is not read for it, there are the upper bound of the memory and the steps.
 * @throws what a run would throw before its first step
 */
export async function plan(
  model: Model,
  train: TrainingData | RowStream,
  options: PlanOptions = {},
): Promise<TrainingPlan> {
  const { budget, signal, run } = splitPlanOptions(options)
  const settled = settleTrainOptions({ ...run, train })
  return model.unchanged(async () => {
    if (isStreamed(settled)) return (await prepareStreamRun(model, settled, signal)).plan
    const prepared = await prepareRun(model, settled, signal)
    const room = roomFor(prepared.plan, settled)
    const fits = prepared.plan.process.total <= room
    // A run that does not fit is not tried.
    const measured = fits && budget > 0 ? await rehearse(model, prepared, settled, { budget, signal }) : undefined
    const planned = withMeasured(model, prepared.plan, measured)
    const memory = fits ? [] : await suggestMemory(model, prepared, settled, room)
    return { ...planned, suggestions: [...memory, ...runSuggestions(planned, settled, model)] }
  })
}

function withMeasured(model: Model, planned: TrainingPlan, measured: Rehearsal | undefined): TrainingPlan {
  if (measured === undefined) return planned
  const { time, base, baseline } = measured
  return {
    ...planned,
    process: processMemory(model, planned.memory, baseline, planned.process.best),
    ...(time === undefined ? {} : { seconds: time.seconds, time }),
    ...(base === undefined ? {} : { base }),
  }
}

/** What would make the run fit in so many bytes. */
export function suggestMemory(
  model: Model,
  prepared: PreparedRun,
  options: TrainingOptionsWithData,
  room: number,
): Promise<PlanSuggestion[]> {
  const encode = (changed: TrainingOptionsWithData) => encodeRows(model, changed)
  return memorySuggestions({ model, prepared, options, encode, room })
}

/** Encodes, chooses what is trained and plans; all that can be refused is refused here. */
export async function prepareRun(
  model: Model,
  options: TrainingOptionsWithData,
  signal?: AbortSignal,
): Promise<PreparedRun> {
  const train = await encodeRows(model, options, signal)
  const { validation, metrics } = await prepareValidation(model, options, signal)
  const classes = labelled(train, model)
  const plainLoss = settleLoss(model, classes, options)
  // Options of the loss that do not go with the task are refused here, not at the first step.
  model.batchSizes(collate([train.examples.at(0)], model.definition), 'options.train', plainLoss)
  requireFit(train, options.batchTokens)
  const steps = new StepPlan(train.sizes.lengths, options)
  if (steps.warmupSteps > steps.steps) {
    const message = `options.warmupSteps: ${steps.warmupSteps} steps of warm-up in a run of ${steps.steps}`
    throw new AttuneError('invalid-option', message, { where: 'options.warmupSteps' })
  }
  await selectTrained(model, options)
  const parameters = countParameters(model)
  const keepsBest = validation !== undefined && options.output === undefined && options.evaluateEvery !== false
  const baseline = baselineOf(model)
  const { loss, sizes, memory, process } = withCheckpointing(options, (gradientCheckpointing) => {
    const loss = { ...plainLoss, gradientCheckpointing }
    const { sizes, memory } = largestBatch(model, train, steps, { ...loss, optim: options.optim })
    return {
      loss,
      sizes,
      memory,
      process: processMemory(model, memory, baseline, keepsBest ? 4 * parameters.trained : 0),
    }
  })
  const { total: work } = countSteps(model, train, steps, loss)
  const described = {
    parameters,
    rows: train.examples.length,
    validationRows: validation?.examples.length ?? 0,
    tokens: train.tokens,
    labelledTokens: train.labelledTokens,
    longest: train.longest,
    ...lengthCounts(train),
    epochs: steps.epochAfter(steps.steps),
    steps: steps.steps,
    stepsPerEpoch: steps.stepsPerEpoch,
    warmupSteps: steps.warmupSteps,
    learningRate: options.learningRate ?? (model.adapter === undefined ? 5e-5 : 2e-4),
    largestBatch: sizes,
    memory,
    gradientCheckpointing: loss.gradientCheckpointing,
    process,
    flops: work.total,
    work,
    device: model.device,
    hardware: model.hardware,
    threads: model.threads,
  }
  const warnings = [
    ...planWarnings(described, options),
    ...headWarnings(model),
    ...dataWarnings(classes, validation === undefined ? undefined : labelled(validation, model), options),
  ]
  const source = new KnownSteps(model, train, steps)
  return { plan: { ...described, warnings }, source, steps, train, validation, metrics, loss }
}

function encodeRows(model: Model, options: TrainingOptionsWithData, signal?: AbortSignal): Promise<PreparedData> {
  return prepareData(options.train, model, { ...encodingOf(options), signal }, 'options.train')
}

/** The rows with their classes; none where the task has no labels. */
function labelled(
  { examples, findings }: PreparedData,
  { labels, problemType }: Model,
): LabelledData & Pick<PreparedData, 'findings'> {
  // All of a list have labels, or none.
  const classified = labels.length > 0 && isLabelled(examples.at(0))
  return { examples: classified ? (examples as ExampleList<LabelledExample>) : [], labels, problemType, findings }
}
