/** The time of steps from a few that were measured: so much a step, and so much for each operation. */

export interface MeasuredStep {
  /** Floating-point operations. */
  readonly flops: number
  readonly seconds: number
}

export interface TimeFit {
  readonly secondsPerStep: number
  readonly secondsPerFlop: number
}

/** Below this the sizes are too alike to tell the two parts from each other. */
const leastSpread = 1.3

/** Least squares; neither part is negative. */
export function fitTime(measured: readonly MeasuredStep[]): TimeFit {
  const sum = (of: (step: MeasuredStep) => number): number => measured.reduce((total, step) => total + of(step), 0)
  const flops = sum((step) => step.flops)
  const seconds = sum((step) => step.seconds)
  const proportional = { secondsPerStep: 0, secondsPerFlop: seconds / Math.max(1, flops) }
  const all = measured.map((step) => step.flops)
  if (measured.length < 3 || Math.max(...all) < leastSpread * Math.min(...all)) return proportional
  const meanFlops = flops / measured.length
  const meanSeconds = seconds / measured.length
  const slope =
    sum((step) => (step.flops - meanFlops) * (step.seconds - meanSeconds)) /
    sum((step) => (step.flops - meanFlops) ** 2)
  const secondsPerStep = meanSeconds - slope * meanFlops
  if (secondsPerStep < 0) return proportional
  if (slope < 0) return { secondsPerStep: meanSeconds, secondsPerFlop: 0 }
  return { secondsPerStep, secondsPerFlop: slope }
}

export function timeOf({ secondsPerStep, secondsPerFlop }: TimeFit, steps: number, flops: number): number {
  return steps * secondsPerStep + flops * secondsPerFlop
}
