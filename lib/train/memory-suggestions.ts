/** What would make a run fit in memory, each with the bytes that it would take: computed on the run's own rows, not guessed. */
import { Dataset } from '../data/dataset.js'
import type { PreparedData } from '../data/prepare-data.js'
import { AttuneError } from '../errors.js'
import type { Model, StepMemoryOptions } from '../models/model.js'
import { memorySize } from '../models/memory-size.js'
import { lora } from '../nn/lora.js'
import type { NativeMemory } from '../native.js'
import { largestBatch } from './batch-sizes.js'
import type { PlanChange, PlanSuggestion, SuggestionCode } from './plan-suggestion.js'
import type { PreparedRun } from './prepared-course.js'
import { StepPlan } from './step-plan.js'
import type { TrainingOptionsWithData } from './train-options.js'

/** Shorter rows than this say little. */
const shortest = 32

export interface MemorySearch {
  readonly model: Model
  readonly prepared: PreparedRun
  readonly options: TrainingOptionsWithData
  /** The rows again, encoded with other options. */
  readonly encode: (changed: TrainingOptionsWithData) => Promise<PreparedData>
  /** Most bytes that the process may have. */
  readonly room: number
}

interface BatchChange {
  readonly batchSize?: number
  readonly batchTokens?: number
  readonly gradientAccumulationSteps?: number
}

/** Those that fit first, then those that at least need less. */
export async function memorySuggestions(search: MemorySearch): Promise<PlanSuggestion[]> {
  const { prepared, room } = search
  const { total } = prepared.plan.process
  const found = [
    ...layersAgain(search),
    ...narrowMoments(search),
    ...smallerBatches(search),
    ...fewerTokens(search),
    ...otherModels(search),
    ...(await shorterRows(search)),
  ]
  const less = found.filter(({ memory = Infinity }) => memory < total)
  return less.sort((a, b) => Number((b.memory ?? 0) <= room) - Number((a.memory ?? 0) <= room))
}

/** What 'auto' would have chosen, where it was turned off. */
function layersAgain(search: MemorySearch): PlanSuggestion[] {
  const { model, prepared, options } = search
  if (options.gradientCheckpointing !== false) return []
  const change = { gradientCheckpointing: true }
  const memory = model.plan(prepared.plan.largestBatch, { ...stepOf(search), ...change })
  const what = 'each layer computed again in the backward pass, which takes more time'
  return [suggestion(search, 'gradient-checkpointing', what, change, memory)]
}

/** Of an adapter there are few moments. */
function narrowMoments(search: MemorySearch): PlanSuggestion[] {
  const { model, prepared, options } = search
  if (options.optim === 'adamw_8bit' || options.adapter !== undefined || model.adapter !== undefined) return []
  const change = { optim: 'adamw_8bit' as const }
  const memory = model.plan(prepared.plan.largestBatch, { ...stepOf(search), ...change })
  const what = "the optimizer's memory of each weight in 2 bytes instead of 8"
  return [suggestion(search, 'adamw-8bit', what, change, memory)]
}

/** Half the rows of a batch, again and again, until it fits; as many rows a step. */
function smallerBatches(search: MemorySearch): PlanSuggestion[] {
  const { batchSize, gradientAccumulationSteps, packing } = search.options
  if (batchSize === undefined) return []
  const rows = batchSize * gradientAccumulationSteps
  return halved(search, 'smaller-batch', [batchSize, 1], (size) => {
    const change = { batchSize: size, gradientAccumulationSteps: Math.ceil(rows / size) }
    const each = `${size} ${packing ? 'bin' : 'row'}${size === 1 ? '' : 's'}`
    return {
      change,
      what: `batches of ${each}, ${change.gradientAccumulationSteps} of them a step: as many a step as before`,
    }
  })
}

/** The same by tokens: batches of long rows get shorter, the others stay. */
function fewerTokens(search: MemorySearch): PlanSuggestion[] {
  const { prepared, options } = search
  if (options.packing) return []
  const { lengths } = prepared.train.sizes
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1)
  const most = options.batchTokens ?? prepared.plan.largestBatch.tokens
  return halved(search, 'batch-tokens', [most, longest], (batchTokens) => {
    const change = { batchTokens, ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }) }
    return { change, what: `at most ${batchTokens} tokens in a batch, which makes more and smaller steps` }
  })
}

/** Halves a size until the run fits, or to the least that it can be. */
function halved(
  search: MemorySearch,
  code: SuggestionCode,
  [from, least]: readonly [number, number],
  changeFor: (size: number) => { readonly change: BatchChange; readonly what: string },
): PlanSuggestion[] {
  const { model, prepared, options, room } = search
  for (let size = from; size > least;) {
    size = Math.max(least, Math.ceil(size / 2))
    const { change, what } = changeFor(size)
    const steps = new StepPlan(prepared.train.sizes.lengths, { ...options, ...change })
    const { memory } = largestBatch(model, prepared.train, steps, stepOf(search))
    const suggested = suggestion(search, code, what, change, memory)
    if (size === least || (suggested.memory ?? 0) <= room) return [suggested]
  }
  return []
}

function otherModels(search: MemorySearch): PlanSuggestion[] {
  const { model, prepared, options, room } = search
  const { largestBatch: sizes } = prepared.plan
  const step = stepOf(search)
  const planned = (code: SuggestionCode, what: string, change: Pick<PlanChange, 'dtype' | 'adapter'>): PlanSuggestion =>
    suggestion(search, code, what, change, model.planAs(adaptation(change), sizes, step))
  const narrow = model.dtype === 'f32'
  const whole = model.adapter === undefined && options.freeze === undefined
  const adapter = lora()
  const bf16 = narrow
    ? [planned('bf16', 'weights and activations in bfloat16 (Model.load, --dtype bf16)', { dtype: 'bf16' })]
    : []
  const adapted = whole ? [planned('lora', 'a LoRA adapter instead of the whole model (--lora)', { adapter })] : []
  const alone = [...bf16, ...adapted]
  if (!narrow || !whole || alone.some(({ memory = Infinity }) => memory <= room)) return alone
  const both = planned('bf16-lora', 'a LoRA adapter on a model in bfloat16', { dtype: 'bf16', adapter })
  return [...alone, both]
}

function adaptation({ dtype, adapter }: Pick<PlanChange, 'dtype' | 'adapter'>): Parameters<Model['planAs']>[0] {
  return { ...(dtype === undefined ? {} : { dtype }), ...(adapter === undefined ? {} : { adapter }) }
}

/** Half the longest row, again and again, until it fits. Rows that are encoded already stay as they are. */
async function shorterRows(search: MemorySearch): Promise<PlanSuggestion[]> {
  const { model, prepared, options, room, encode } = search
  if (!(options.train instanceof Dataset) || model.task === 'question-answering') return []
  let best: PlanSuggestion[] = []
  for (let length = Math.floor(prepared.train.longest / 2); length >= shortest; length = Math.floor(length / 2)) {
    const change = { maxLength: length, truncation: 'tail' as const }
    const train = await encode({ ...options, ...change }).catch((error: unknown) => {
      // Too short for any row to keep what it is trained on.
      if (error instanceof AttuneError) return undefined
      throw error
    })
    if (train === undefined) break
    const steps = new StepPlan(train.sizes.lengths, options)
    const { memory } = largestBatch(model, train, steps, stepOf(search))
    const what = `rows of at most ${length} tokens, which cuts ${train.truncated} of ${prepared.train.examples.length} by ${train.truncatedTokens.toLocaleString('en')} tokens`
    best = [suggestion(search, 'shorter-rows', what, change, memory)]
    if ((best[0]?.memory ?? 0) <= room) break
  }
  return best
}

/** What a step's memory depends on, as the run was planned. */
function stepOf({ prepared, options }: MemorySearch): StepMemoryOptions {
  const { optim, gradientAccumulationSteps } = options
  return { ...prepared.loss, optim, gradientAccumulationSteps }
}

function suggestion(
  { prepared, room }: MemorySearch,
  code: SuggestionCode,
  what: string,
  change: PlanChange,
  { total }: NativeMemory,
): PlanSuggestion {
  const { process } = prepared.plan
  // The best weights that are kept are those that are trained: less of an adapter, but the most is what is told.
  const memory = process.total - prepared.plan.memory.total + total
  return {
    code,
    message: `${what}; takes ${memorySize(memory)}${memory <= room ? '' : ', still too much'}`,
    change,
    memory,
  }
}
