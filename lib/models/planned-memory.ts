/** Bytes of training a model that need not exist: its graph is compiled over parameters that nothing is written to. */
import type { AdapterGraph, ParameterSpec } from '../graph/builder.js'
import { native, type NativeMemory, type NativeProgram, type NativeSession, type OptimizerKind } from '../native.js'
import { placeAdapter, type AdapterHost } from './adapter.js'
import type { BatchSizes } from './batch.js'
import type { LoraConfig } from '../nn/lora.js'
import type { ModelDefinition } from './family.js'
import type { ModelDtype } from './model-options.js'
import { lossGraph } from './programs.js'
import { openSession } from '../session.js'
import type { Task } from '../task.js'
import type { LossOptions } from './task.js'
import { elementCount } from './tensor.js'

/** Of what is trained and stored narrower. */
const masterBytes = 4

export interface PlannedModel {
  readonly definition: ModelDefinition
  readonly dtype: ModelDtype
  /** The adapter's too. */
  readonly parameters: readonly ParameterSpec[]
  readonly trainable: ReadonlySet<string>
  readonly adapter: AdapterGraph | undefined
  readonly device: 'cpu' | 'cuda'
  readonly threads: number
  readonly instructionSet: string
}

/** What is changed of a model that is planned: `adapter` comes in place of what is trained now. */
export interface PlannedChange {
  readonly dtype?: ModelDtype
  readonly adapter?: LoraConfig
}

/** What the changed model is made of. */
export function changedModel(
  host: Omit<AdapterHost, 'session' | 'seed'>,
  change: PlannedChange,
  now: Pick<PlannedModel, 'parameters' | 'trainable' | 'adapter'>,
): Pick<PlannedModel, 'definition' | 'dtype' | 'parameters' | 'trainable' | 'adapter'> {
  const { definition, dtype } = { ...host, ...(change.dtype === undefined ? {} : { dtype: change.dtype }) }
  const base = [...host.base.values()]
  if (change.adapter === undefined) return { definition, dtype, ...now, parameters: [...base, ...now.parameters] }
  const { placed, parameters } = placeAdapter({ ...host, dtype }, change.adapter, true)
  const trainable = new Set(parameters.map(({ name }) => name))
  return { definition, dtype, parameters: [...base, ...parameters], trainable, adapter: placed }
}

/** Exact bytes of its weights alone. */
export function plannedWeights({
  definition,
  dtype,
  parameters,
  ...where
}: Pick<PlannedModel, 'definition' | 'dtype' | 'parameters' | 'device' | 'threads' | 'instructionSet'>): number {
  const session = openSession({ ...where, planned: true })
  try {
    defineParameters(session, parameters, { definition, dtype })
    return session.memory().parameters
  } finally {
    session.dispose()
  }
}

/** Exact bytes of training it on batches of these sizes. */
export function plannedMemory(
  { definition, dtype, parameters: specs, trainable, adapter, device, threads, instructionSet }: PlannedModel,
  sizes: BatchSizes,
  loss: LossOptions,
  step: StepMemory,
): NativeMemory {
  const session = openSession({ device, threads, instructionSet, planned: true })
  try {
    // What is trained is named to the compiler alone: the session would make masters of it.
    defineParameters(session, specs, { definition, dtype })
    const g = lossGraph(definition, { dtype, mode: 'train', adapter }, loss)
    const { gradientCheckpointing } = loss
    const program = session.compile(g.graph, { loss: 'loss', wrt: [...trainable], gradientCheckpointing })
    const trainedSpecs = specs.filter(({ name }) => trainable.has(name))
    const trained = trainedSpecs.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    const parameters = session.memory().parameters + (dtype === 'bf16' ? trained * masterBytes : 0)
    const stepped = plannedStep(program, arenaSizes(sizes, definition.task), trainedSpecs, step)
    return { parameters, ...stepped, states: 0, total: parameters + stepped.total }
  } finally {
    session.dispose()
  }
}

/** What the memory of a step depends on beside its sizes. */
export interface StepMemory {
  /** @default 'adamw' */
  readonly optim?: OptimizerKind | undefined
  /** Batches of a step: the gradients of one take the place of activations, those of several have memory of their own. @default 1 */
  readonly gradientAccumulationSteps?: number | undefined
}

/** Bytes of a step beside the weights. */
export function plannedStep(
  program: NativeProgram,
  sizes: Record<string, number>,
  trained: readonly ParameterSpec[],
  { optim = 'adamw', gradientAccumulationSteps = 1 }: StepMemory,
): Pick<NativeMemory, 'gradients' | 'optimizer' | 'activations' | 'total'> {
  const optimizer = trained.reduce((sum, { shape }) => sum + native().momentBytes(optim, elementCount(shape)), 0)
  const { gradients, activations } = program.stepBytes(sizes, gradientAccumulationSteps > 1)
  return { gradients, optimizer, activations, total: gradients + optimizer + activations }
}

function defineParameters(
  session: NativeSession,
  specs: readonly ParameterSpec[],
  { definition, dtype }: Pick<PlannedModel, 'definition' | 'dtype'>,
): void {
  for (const { name, shape } of specs) session.defineParameter(name, shape, definition.quantized.get(name) ?? dtype)
}

/** A batch's sizes by the names that the graph has for them. */
export function arenaSizes({ decoderTokens, ...sizes }: BatchSizes, task: Task): Record<string, number> {
  const { rows } = sizes
  // Of embeddings every text is pooled, and the labelled ones are the anchors.
  const anchors = task === 'embedding' ? { anchors: rows, rows: sizes.sequences } : {}
  const decoder = decoderTokens === undefined ? {} : { decoder_tokens: decoderTokens }
  return { ...sizes, ...anchors, ...decoder }
}
