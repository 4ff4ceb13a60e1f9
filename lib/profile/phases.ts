/** Which part of a step each kernel's run belongs to. */
import type { Profile } from './profile.js'

export const phases = ['forward', 'backward', 'optimizer'] as const
export type Phase = (typeof phases)[number]

/** The paths of a backward pass are those of the forward pass: where it begins, the loss tells. */
const isLoss = /(?:cross_entropy|squared_error|contrastive_loss)$/

/**
 * The phase of each kernel's run, in order. A loss that makes its gradients on the way is forward. What comes after a loss is backward,
 * up to the update or to the next micro-batch, which begins with an embedding.
 */
export function phasesOf({ kernels }: Pick<Profile, 'kernels'>): Phase[] {
  let phase: Phase = 'forward'
  return kernels.map(({ op, path }) => {
    if (path === 'optimizer') {
      phase = 'forward'
      return 'optimizer'
    }
    if (op === 'embedding') phase = 'forward'
    const current = phase
    if (isLoss.test(op)) phase = 'backward'
    return current
  })
}

/** Seconds in kernels of each phase. */
export function phaseSeconds(profile: Pick<Profile, 'kernels'>): Record<Phase, number> {
  const sums: Record<Phase, number> = { forward: 0, backward: 0, optimizer: 0 }
  const at = phasesOf(profile)
  profile.kernels.forEach(({ seconds }, i) => (sums[at[i] ?? 'forward'] += seconds))
  return sums
}
