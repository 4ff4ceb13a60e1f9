/** Whether a run's backward pass computes the model's layers again instead of keeping what they made. */
import { roomFor, type ProcessMemory } from './process-memory.js'

/** Always, never, or where the run does not fit in memory otherwise. */
export type GradientCheckpointing = boolean | 'auto'

interface Options {
  readonly gradientCheckpointing: GradientCheckpointing
  readonly memory?: number | undefined
}

/**
 * What is planned as the options say: by 'auto' first without, and again with it where that does not fit.
 * @param planWith plans with it, or without
 */
export function withCheckpointing<Planned extends { readonly process: ProcessMemory }>(
  options: Options,
  planWith: (gradientCheckpointing: boolean) => Planned,
): Planned {
  const { gradientCheckpointing } = options
  const planned = planWith(gradientCheckpointing === true)
  if (gradientCheckpointing !== 'auto' || planned.process.total <= roomFor(planned, options)) return planned
  const again = planWith(true)
  return again.process.total < planned.process.total ? again : planned
}
