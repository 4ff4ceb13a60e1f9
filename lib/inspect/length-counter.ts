import { tickStep } from 'd3-array'

export interface LengthBin {
  readonly from: number
  /** Lengths of the bin are below this. */
  readonly to: number
  readonly count: number
}

export interface LengthSummary {
  readonly count: number
  readonly total: number
  readonly mean: number
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly max: number
  /** Bins of one width; a last wider one takes what is far beyond all others. */
  readonly histogram: readonly LengthBin[]
}

const binsWanted = 16
// Beyond the length that one in a hundred exceeds, bins would be empty for the most part.
const shown = 0.99

/** Counts lengths; what it holds grows with how many different ones there are, not with how many. */
export class LengthCounter {
  readonly #counts = new Map<number, number>()

  add(length: number): void {
    this.#counts.set(length, (this.#counts.get(length) ?? 0) + 1)
  }

  /** The sum, of each length no more than `limit`. */
  totalUpTo(limit: number): number {
    let total = 0
    for (const [length, times] of this.#counts) total += Math.min(length, limit) * times
    return total
  }

  /** Undefined where nothing was counted. */
  summary(): LengthSummary | undefined {
    const counts = [...this.#counts].sort(([a], [b]) => a - b)
    const [first, last] = [counts[0], counts.at(-1)]
    if (first === undefined || last === undefined) return undefined
    const count = counts.reduce((sum, [, times]) => sum + times, 0)
    const total = counts.reduce((sum, [length, times]) => sum + length * times, 0)
    const quantile = (share: number): number => interpolated(counts, share * (count - 1))
    return {
      count,
      total,
      mean: total / count,
      min: first[0],
      median: quantile(0.5),
      p95: quantile(0.95),
      max: last[0],
      histogram: histogram(counts, quantile(shown)),
    }
  }
}

type Counts = readonly (readonly [length: number, count: number])[]

/** The value at a place of the sorted list, between two of them in proportion. */
function interpolated(counts: Counts, place: number): number {
  const lower = valueAt(counts, Math.floor(place))
  return lower + (valueAt(counts, Math.ceil(place)) - lower) * (place - Math.floor(place))
}

function valueAt(counts: Counts, index: number): number {
  let seen = 0
  for (const [length, count] of counts) {
    seen += count
    if (seen > index) return length
  }
  return counts.at(-1)?.[0] ?? 0
}

function histogram(counts: Counts, usual: number): LengthBin[] {
  const min = counts[0]?.[0] ?? 0
  const max = counts.at(-1)?.[0] ?? 0
  const high = max > 1.5 * usual ? usual : max
  const width = Math.max(1, tickStep(min, Math.max(high, min + 1), binsWanted))
  const from = Math.floor(min / width) * width
  const regular = Math.floor((high - from) / width) + 1
  const end = from + regular * width
  const bins = Array.from({ length: regular }, (_, at) => from + at * width).map((start) => ({
    from: start,
    to: start + width,
    count: 0,
  }))
  const beyond = { from: end, to: max + 1, count: 0 }
  for (const [length, count] of counts) {
    const bin = bins[Math.floor((length - from) / width)] ?? beyond
    bin.count += count
  }
  return beyond.count > 0 ? [...bins, beyond] : bins
}
