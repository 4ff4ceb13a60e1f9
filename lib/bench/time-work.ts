import { max, median, min } from 'd3-array'
import { requireNotAborted } from '../abort.js'
import type { Seconds } from './bench-result.js'

/** What the error of a benchmark that was stopped says. */
export const stopped = 'the benchmark was aborted'

export interface TimeOptions {
  /** How often the work is timed. */
  readonly steps: number
  /** How often it is done before. */
  readonly warmup: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Does the work `warmup` + `steps` times, one after another. A GPU may still be updating weights when a step resolves; the next one waits
 * for that, so steps in a row take what they take. @throws AttuneError 'aborted'
 */
export async function timeWork(work: () => Promise<unknown>, { steps, warmup, signal }: TimeOptions): Promise<Seconds> {
  const seconds: number[] = []
  for (let step = -warmup; step < steps; step++) {
    requireNotAborted(signal, stopped)
    const begin = performance.now()
    await work()
    if (step >= 0) seconds.push((performance.now() - begin) / 1000)
  }
  const of = (value: number | undefined): number => value ?? NaN
  return { median: of(median(seconds)), fastest: of(min(seconds)), slowest: of(max(seconds)), times: steps }
}
