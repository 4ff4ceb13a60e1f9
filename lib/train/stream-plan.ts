/** A run on a stream made ready: what can be known without reading it. */
import { encodingOf, requireOwnOptions } from '../data/encoding-options.js'
import { longestRow } from '../data/prepare-data.js'
import { collate, type EncodedExample } from '../data/example.js'
import { AttuneError } from '../errors.js'
import type { BatchSizes } from '../models/batch.js'
import type { Model } from '../models/model.js'
import type { LossOptions } from '../models/task.js'
import { withCheckpointing } from './gradient-checkpointing.js'
import { settleLoss } from './loss-weights.js'
import { memorySize } from '../models/memory-size.js'
import type { PreparedCourse } from './prepared-course.js'
import { baselineOf, processMemory } from './process-memory.js'
import type { StreamTrainOptions } from './stream-options.js'
import { StreamSteps } from './stream-steps.js'
import { countParameters, selectTrained } from './trained-parameters.js'
import type { TrainingPlan } from './training-plan.js'
import { headWarnings } from './warnings.js'
import { prepareValidation } from './validation.js'

/** What nobody knows of a stream before its end. */
const unknown = NaN

/** @throws AttuneError as `prepareRun` does */
export async function prepareStreamRun(
  model: Model,
  options: StreamTrainOptions,
  signal?: AbortSignal,
): Promise<PreparedCourse> {
  requireOwnOptions(encodingOf(options), model.task)
  const { validation, metrics } = await prepareValidation(model, options, signal)
  const plainLoss = settleLoss(model, { examples: [], labels: model.labels, problemType: model.problemType }, options)
  const { maxSteps, optim, gradientAccumulationSteps } = options
  const warmupSteps = options.warmupSteps ?? Math.ceil(options.warmupRatio * maxSteps)
  if (warmupSteps > maxSteps) {
    const message = `options.warmupSteps: ${warmupSteps} steps of warm-up in a run of ${maxSteps}`
    throw new AttuneError('invalid-option', message, { where: 'options.warmupSteps' })
  }
  const largestBatch = boundOfBatches(model, options, plainLoss)
  const tokenizer = options.tokenizer ?? (await model.tokenizer())
  await selectTrained(model, options)
  const parameters = countParameters(model)
  const keepsBest = validation !== undefined && options.output === undefined && options.evaluateEvery !== false
  const baseline = baselineOf(model)
  const { loss, memory, process } = withCheckpointing(options, (gradientCheckpointing) => {
    const loss = { ...plainLoss, gradientCheckpointing }
    const memory = model.plan(largestBatch, { ...loss, optim, gradientAccumulationSteps })
    return { loss, memory, process: processMemory(model, memory, baseline, keepsBest ? 4 * parameters.trained : 0) }
  })
  if (process.total > (options.memory ?? Infinity)) throw await tooLarge(model, process.total, options)
  const plan: TrainingPlan = {
    parameters,
    rows: unknown,
    validationRows: validation?.examples.length ?? 0,
    tokens: unknown,
    labelledTokens: unknown,
    longest: unknown,
    truncated: unknown,
    truncatedTokens: unknown,
    windows: unknown,
    windowsLeftOut: unknown,
    skipped: unknown,
    epochs: unknown,
    steps: maxSteps,
    stepsPerEpoch: unknown,
    warmupSteps,
    learningRate: options.learningRate ?? (model.adapter === undefined ? 5e-5 : 2e-4),
    largestBatch,
    memory,
    gradientCheckpointing: loss.gradientCheckpointing,
    process,
    flops: unknown,
    work: { products: unknown, attention: unknown, elements: unknown, total: unknown },
    device: model.device,
    hardware: model.hardware,
    threads: model.threads,
    warnings: headWarnings(model),
  }
  return { plan, source: new StreamSteps(model, options, tokenizer, signal), validation, metrics, loss }
}

/** No batch is larger, whatever the rows are: a full one of the longest rows there may be. */
function boundOfBatches(model: Model, options: StreamTrainOptions, loss: Partial<LossOptions>): BatchSizes {
  const { batchSize = Infinity, batchTokens = Infinity } = options
  const one = model.batchSizes(collate([longestExample(model, options)], model.definition), 'options.train', loss)
  const most = (of: number): number => Math.min(batchSize * of, batchTokens)
  return {
    tokens: most(one.tokens),
    sequences: most(one.sequences),
    rows: most(one.rows),
    ...(one.decoderTokens === undefined ? {} : { decoderTokens: most(one.decoderTokens) }),
    ...(one.candidates === undefined ? {} : { candidates: most(one.candidates) }),
  }
}

/** As long as an example may be; what it says does not matter. */
function longestExample(model: Model, options: StreamTrainOptions): EncodedExample {
  const { task, problemType, labels, definition } = model
  const length = longestRow(task, definition.maxPositions, options.maxLength)
  const inputIds = new Int32Array(length)
  switch (task) {
    case 'embedding':
      return { inputIds, positiveIds: inputIds, negativeIds: inputIds }
    case 'question-answering':
      return { inputIds, labels: [0, 0] }
    case 'seq2seq-lm':
      return { inputIds, labels: new Int32Array(options.maxTargetLength ?? length) }
    case 'sequence-classification':
      return { inputIds, labels: problemType === 'single_label_classification' ? 0 : labels.map(() => 0) }
    case 'causal-lm':
    case 'masked-lm':
    case 'token-classification':
      return { inputIds, labels: inputIds }
  }
}

async function tooLarge(model: Model, total: number, options: StreamTrainOptions): Promise<AttuneError> {
  // Another run may be tried on the model.
  if (options.adapter !== undefined) await model.removeAdapter()
  const message = `the run on a stream needs up to ${memorySize(total)} of memory and options.memory allows ${memorySize(options.memory ?? 0)}: a smaller maxLength, batchSize or batchTokens needs less`
  return new AttuneError('out-of-memory', message, { where: 'options.memory' })
}
