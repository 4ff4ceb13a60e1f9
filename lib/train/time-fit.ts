/** The time of steps from some that were measured. */

export interface MeasuredStep {
  /** Floating-point operations. */
  readonly flops: number
  readonly seconds: number
}

/** So much a step, and so much for each operation. */
export interface TimeFit {
  readonly secondsPerStep: number
  readonly secondsPerFlop: number
}

/** Below this the sizes are too alike to tell the two parts from each other. */
const leastSpread = 1.3
const fewestForPace = 8
const parts = 4

/**
 * For whole steps of a run, drawn from all of its sizes: what they took a floating-point operation, whatever it was spent
 * on. A slope would only follow the machine's own ups and downs.
 */
export function averageTime(measured: readonly MeasuredStep[]): TimeFit {
  const flops = measured.reduce((sum, step) => sum + step.flops, 0)
  const seconds = measured.reduce((sum, step) => sum + step.seconds, 0)
  return { secondsPerStep: 0, secondsPerFlop: seconds / Math.max(1, flops) }
}

/** For parts of steps, which all end with an optimizer's step: least squares; neither part is negative. */
export function fitTime(measured: readonly MeasuredStep[]): TimeFit {
  const sum = (of: (step: MeasuredStep) => number): number => measured.reduce((total, step) => total + of(step), 0)
  const all = measured.map((step) => step.flops)
  if (measured.length < 3 || Math.max(...all) < leastSpread * Math.min(...all)) return averageTime(measured)
  const meanFlops = sum((step) => step.flops) / measured.length
  const meanSeconds = sum((step) => step.seconds) / measured.length
  const slope =
    sum((step) => (step.flops - meanFlops) * (step.seconds - meanSeconds)) /
    sum((step) => (step.flops - meanFlops) ** 2)
  const secondsPerStep = meanSeconds - slope * meanFlops
  if (secondsPerStep < 0) return averageTime(measured)
  if (slope < 0) return { secondsPerStep: meanSeconds, secondsPerFlop: 0 }
  return { secondsPerStep, secondsPerFlop: slope }
}

export function timeOf({ secondsPerStep, secondsPerFlop }: TimeFit, steps: number, flops: number): number {
  return steps * secondsPerStep + flops * secondsPerFlop
}

/** How even the machine's pace was: the time of the fastest and the slowest quarter of the steps, beside the fit's. */
export function paceOf(measured: readonly MeasuredStep[], fit: TimeFit): { fastest: number; slowest: number } {
  if (measured.length < fewestForPace) return { fastest: 1, slowest: 1 }
  const paces = Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part, part + 1].map((at) => Math.round((at * measured.length) / parts))
    const steps = measured.slice(from, to)
    const seconds = steps.reduce((sum, step) => sum + step.seconds, 0)
    const flops = steps.reduce((sum, step) => sum + step.flops, 0)
    return seconds / timeOf(fit, steps.length, flops)
  })
  return { fastest: Math.min(...paces), slowest: Math.max(...paces) }
}
