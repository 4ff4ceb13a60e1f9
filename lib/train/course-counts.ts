/** How often a run does what happens now and then. */
import type { StepSource } from './step-source.js'

type Steps = Pick<StepSource, 'steps' | 'endsEpoch'>

/** Whether what happens this often is due with this many steps done. */
export function isDue(every: 'epoch' | false | number, step: number, steps: Steps): boolean {
  if (step === 0 || every === false) return false
  return every === 'epoch' ? steps.endsEpoch(step) : step % every === 0 || step === steps.steps
}

export function timesDue(every: 'epoch' | false | number, steps: Steps): number {
  if (every === false) return 0
  if (typeof every === 'number') return Math.ceil(steps.steps / every)
  let times = 0
  for (let step = 1; step <= steps.steps; step++) if (steps.endsEpoch(step)) times++
  return times
}
