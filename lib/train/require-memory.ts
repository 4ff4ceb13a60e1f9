import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { memorySize } from '../models/memory-size.js'
import { suggestMemory } from './plan.js'
import type { PreparedRun } from './prepared-course.js'
import { roomFor } from './process-memory.js'
import type { TrainingOptionsWithData } from './train-options.js'

/** What is free of a machine's memory changes: only a run that clearly needs more is refused for it. */
const clearly = { cpu: 1.05, cuda: 1 } as const

/**
 * Refuses a run that needs more memory than the options allow or the machine has, before it takes any.
 * @throws AttuneError 'out-of-memory' with what would make it fit
 */
export async function requireMemory(
  model: Model,
  prepared: PreparedRun,
  options: TrainingOptionsWithData,
): Promise<void> {
  const { total } = prepared.plan.process
  const room = roomFor(prepared.plan, options)
  const limited = options.memory !== undefined && total > options.memory
  if (!limited && total <= clearly[model.device] * room) return
  const suggestions = await suggestMemory(model, prepared, options, room)
  // Another run may be tried on the model.
  if (options.adapter !== undefined) await model.removeAdapter()
  const allowed = limited ? `options.memory allows ${memorySize(room)}` : `${memorySize(room)} can be had`
  const lines = suggestions.map(({ message }) => `\n  - ${message}`)
  const advice = lines.length === 0 ? '' : ` What would need less:${lines.join('')}`
  const message = `the run needs ${memorySize(total)} of memory and ${allowed}.${advice}`
  throw new AttuneError('out-of-memory', message, { where: 'options.memory' })
}
