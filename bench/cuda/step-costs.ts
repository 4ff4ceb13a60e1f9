/** What the kernels of a training step do, by node, and the memory it takes, from the model's own graph. Nothing is allocated. */
import { defineModel } from '../../dist/models/index.js'
import { placeAdapter } from '../../dist/models/adapter.js'
import { batchSizes } from '../../dist/models/labelled-batch.js'
import { arenaSizes, plannedMemory } from '../../dist/models/planned-memory.js'
import { forwardGraph, lossGraph } from '../../dist/models/programs.js'
import { plainLoss } from '../../dist/models/task.js'
import { lora } from '../../dist/nn/lora.js'
import { openSession } from '../../dist/session.js'
import type { KernelDtype } from './kernel-class.js'
import { elementsOf } from './kernel-program.js'
import { optimizerCost } from './optimizer-cost.js'
import type { KernelCost } from './roofline.js'
import { batchOf, type StepCase } from './step-cases.js'

export interface StepCosts {
  readonly costs: readonly KernelCost[]
  /** Bytes of weights, gradients, moments and activations. */
  readonly memory: number
  readonly parameters: number
  readonly trained: number
}

export function stepCosts(step: StepCase, dtype: KernelDtype): StepCosts {
  const definition = defineModel(step.config)
  const { modules, parameters: base } = forwardGraph(definition, dtype)
  const host = { definition, dtype, modules, base, initialized: [], addedTokens: [], withoutDropout: true }
  const placed =
    step.adapter === undefined ? undefined : placeAdapter(host, lora({ ...step.adapter, dropout: 0 }), true)
  const parameters = [...base.values(), ...(placed?.parameters ?? [])]
  const trainable = new Set((placed?.parameters ?? parameters).map(({ name }) => name))
  const adapter = placed?.placed
  const session = openSession({ device: 'cuda', threads: 1, instructionSet: '', planned: true })
  try {
    for (const { name, shape } of parameters) session.defineParameter(name, shape, dtype)
    const g = lossGraph(definition, { dtype, mode: 'train', adapter }, plainLoss)
    const wrt = [...trainable].filter((name) => g.parameters.has(name))
    const program = session.compile(g.graph, { loss: 'loss', wrt })
    const sizes = batchSizes(batchOf(step, definition.task), definition, plainLoss)
    const nodes = program.costs({ sizes: arenaSizes(sizes, definition.task), inputs: {} })
    const model = { definition, dtype, parameters, trainable, adapter }
    const planned = { ...model, device: 'cuda' as const, threads: 1, instructionSet: '' }
    const count = (names: (name: string) => boolean) =>
      parameters.reduce((sum, { name, shape }) => sum + (names(name) ? elementsOf(shape) : 0), 0)
    const trained = count((name) => trainable.has(name))
    return {
      costs: [...nodes, ...(['squared_sum', 'adamw'] as const).map((op) => optimizerCost(op, dtype, trained))],
      memory: plannedMemory(planned, sizes, plainLoss, {}).total,
      parameters: count(() => true),
      trained,
    }
  } finally {
    session.dispose()
  }
}
