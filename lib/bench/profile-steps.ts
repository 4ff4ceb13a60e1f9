import { median } from 'd3-array'
import { requireNotAborted } from '../abort.js'
import type { Model } from '../models/model.js'
import { phaseSeconds } from '../profile/phases.js'
import { kernelSeconds, profileByOp, type Profile } from '../profile/profile.js'
import type { StepProfile } from './bench-result.js'
import { stopped } from './time-work.js'

export interface ProfileOptions {
  readonly steps: number
  /** Operations a second that kernels are measured against. */
  readonly peak: number
  readonly signal?: AbortSignal | undefined
}

/** Does the step so many times with every kernel's run recorded. */
export async function profileSteps(
  model: Model,
  step: () => Promise<unknown>,
  { steps, peak, signal }: ProfileOptions,
): Promise<StepProfile> {
  const profiles: Profile[] = []
  for (let i = 0; i < steps; i++) {
    requireNotAborted(signal, stopped)
    profiles.push((await model.profile(step)).profile)
  }
  const all = { kernels: profiles.flatMap(({ kernels }) => kernels) }
  const seconds = profiles.reduce((sum, profile) => sum + profile.seconds, 0)
  const phases = phaseSeconds(all)
  return {
    steps,
    seconds: seconds / steps,
    outside: 1 - kernelSeconds(all) / seconds,
    phases: {
      forward: phases.forward / steps,
      backward: phases.backward / steps,
      optimizer: phases.optimizer / steps,
    },
    ops: profileByOp({ ...all, seconds }).map((op) => ({
      ...op,
      runs: op.runs / steps,
      seconds: op.seconds / steps,
      shareOfPeak: op.flopsPerSecond / peak,
    })),
    step: typicalOf(profiles),
  }
}

/** The one whose time is nearest to the median. */
function typicalOf(profiles: readonly Profile[]): Profile {
  const middle = median(profiles, ({ seconds }) => seconds) ?? 0
  const away = ({ seconds }: Profile): number => Math.abs(seconds - middle)
  return profiles.reduce((best, profile) => (away(profile) < away(best) ? profile : best))
}
