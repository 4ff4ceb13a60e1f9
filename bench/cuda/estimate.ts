/** The time of one run of a kernel, from the times of programs that run it many and few times. */
import { quantileSorted } from 'd3-array'

/** Times of programs that ran in turns: few, many, few, many, …; seconds. */
export interface Rounds {
  readonly few: readonly number[]
  readonly many: readonly number[]
  /** Runs of the kernel in each. */
  readonly copies: { readonly few: number; readonly many: number }
}

export interface Estimate {
  /** The median over rounds. */
  readonly seconds: number
  /** Half of the rounds lie between these. */
  readonly low: number
  readonly high: number
  readonly rounds: number
}

/**
 * Of every round the difference of its two times over the difference of their runs: what both do besides (queueing, copying inputs,
 * waiting) cancels. Undefined where the median is not above its own standard error: the kernel is lost in the noise.
 */
export function estimateRun({ few, many, copies }: Rounds): Estimate | undefined {
  if (few.length === 0 || few.length !== many.length) {
    throw new Error(`expected as many times of few runs as of many, and some, not ${few.length} and ${many.length}`)
  }
  if (!(copies.many > copies.few)) throw new Error(`expected more than ${copies.few} runs, not ${copies.many}`)
  const differences = many.map((seconds, round) => (seconds - (few[round] ?? NaN)) / (copies.many - copies.few))
  return summarize(differences)
}

/** Of times that stand for themselves. */
export function summarize(seconds: readonly number[]): Estimate | undefined {
  const sorted = [...seconds].sort((a, b) => a - b)
  const at = (part: number): number => quantileSorted(sorted, part) ?? NaN
  const [low, middle, high] = [at(0.25), at(0.5), at(0.75)] as const
  // Of normal values: their deviation is the middle half's width over 1.35, and a median's error 1.25 times a mean's. One wild round
  // moves neither.
  const error = (1.25 * (high - low)) / 1.35 / Math.sqrt(sorted.length)
  return middle > error ? { seconds: middle, low, high, rounds: sorted.length } : undefined
}

/** Runs to put into the long program: long against the clock and a launch, no more bytes than there are. */
export function copiesFor(
  once: number,
  { outputBytes, freeBytes }: { readonly outputBytes: number; readonly freeBytes: number },
): number {
  const wanted = Math.ceil(targetSeconds / Math.max(once, 1e-6))
  const fitting = outputBytes === 0 ? mostCopies : Math.floor(freeBytes / outputBytes)
  return Math.max(2, Math.min(wanted, fitting, mostCopies))
}

const targetSeconds = 0.02
const mostCopies = 512
