/** How sure a number is: the metric again on rows drawn with replacement (Efron 1979; Koehn 2004 for pairs of systems). */
import { AttuneError } from '../../errors.js'
import { RandomStream } from '../../data/random.js'
import { requireLength, requireRows, type Metric } from './metric.js'

export interface BootstrapOptions {
  /** @default 1000 */
  readonly resamples?: number | undefined
  /** Share of the resamples that lie inside the interval. @default 0.95 */
  readonly confidence?: number | undefined
  /** @default 0 */
  readonly seed?: number | undefined
}

export interface Interval {
  /** On the rows as they are. */
  readonly value: number
  /** Percentiles of the resamples, linear between neighbours. */
  readonly low: number
  readonly high: number
  /** Standard deviation of the resamples. */
  readonly standardError: number
  /** Resamples on which the metric is undefined (NaN), as where a class was not drawn: they are left out. */
  readonly undefinedResamples: number
}

/** Makes the metric anew for each resample, as one number. */
export type MakeMetric<Row extends readonly unknown[]> = () => Metric<Row, number>

/**
 * A percentile interval for any metric. For one that sums over rows (`Summed`) give `contributionsMetric` and the rows'
 * contributions: then no text is read twice.
 * @throws AttuneError 'empty-dataset', 'invalid-option'
 */
export function bootstrap<Row extends readonly unknown[]>(
  makeMetric: MakeMetric<Row>,
  rows: readonly Row[],
  options: BootstrapOptions = {},
): Interval {
  requireRows(rows.length, 'the bootstrap')
  const values = Array.from(resamples(rows.length, options), (indices) => scoreAt(makeMetric, rows, indices))
  return interval(scoreAt(makeMetric, rows, rows.keys()), values, options)
}

export interface Comparison {
  readonly first: Interval
  readonly second: Interval
  /** Second less first. */
  readonly difference: Interval
  /** Two-sided: how often a difference this large comes of chance alone. */
  readonly pValue: number
}

/**
 * Two systems on the same rows, always resampled together.
 * @throws AttuneError 'empty-dataset', 'shape-mismatch' (not the same number of rows), 'invalid-option'
 */
export function pairedBootstrap<Row extends readonly unknown[]>(
  makeMetric: MakeMetric<Row>,
  first: readonly Row[],
  second: readonly Row[],
  options: BootstrapOptions = {},
): Comparison {
  requireRows(first.length, 'the paired bootstrap')
  requireLength(second.length, first.length, 'rows of both systems')
  const pairs = Array.from(
    resamples(first.length, options),
    (indices) => [scoreAt(makeMetric, first, indices), scoreAt(makeMetric, second, indices)] as const,
  )
  const values = [scoreAt(makeMetric, first, first.keys()), scoreAt(makeMetric, second, second.keys())] as const
  const observed = values[1] - values[0]
  const differences = pairs.map(([a, b]) => b - a)
  // Resamples scatter around what was observed; shifted onto 0 they show what there would be without a difference.
  const defined = differences.filter((difference) => !Number.isNaN(difference))
  const asLarge = defined.filter((difference) => Math.abs(difference - observed) >= Math.abs(observed)).length
  return {
    first: interval(
      values[0],
      pairs.map(([a]) => a),
      options,
    ),
    second: interval(
      values[1],
      pairs.map(([, b]) => b),
      options,
    ),
    difference: interval(observed, differences, options),
    pValue: (asLarge + 1) / (defined.length + 1),
  }
}

function* resamples(rows: number, { resamples: count = 1000, seed = 0 }: BootstrapOptions): Generator<Int32Array> {
  if (!Number.isInteger(count) || count < 1) {
    throw new AttuneError('invalid-option', `options.resamples: expected a whole number from 1 on, received ${count}`, {
      where: 'options.resamples',
    })
  }
  const random = new RandomStream('bootstrap', seed)
  for (let i = 0; i < count; i++) yield Int32Array.from({ length: rows }, () => random.nextBelow(rows))
}

function scoreAt<Row extends readonly unknown[]>(
  makeMetric: MakeMetric<Row>,
  rows: readonly Row[],
  indices: Iterable<number>,
): number {
  const metric = makeMetric()
  for (const index of indices) metric.add(...(rows[index] as Row))
  return metric.value()
}

function interval(value: number, values: readonly number[], { confidence = 0.95 }: BootstrapOptions): Interval {
  if (!(confidence > 0 && confidence < 1)) {
    throw new AttuneError(
      'invalid-option',
      `options.confidence: expected a number between 0 and 1, received ${confidence}`,
      {
        where: 'options.confidence',
      },
    )
  }
  const sorted = values.filter((one) => !Number.isNaN(one)).sort((a, b) => a - b)
  const mean = sorted.reduce((sum, one) => sum + one, 0) / sorted.length
  const variance = sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (sorted.length - 1)
  return {
    value,
    low: percentile(sorted, (1 - confidence) / 2),
    high: percentile(sorted, (1 + confidence) / 2),
    standardError: Math.sqrt(variance),
    undefinedResamples: values.length - sorted.length,
  }
}

/** As numpy's default. */
function percentile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? NaN
  const above = sorted[Math.ceil(position)] ?? NaN
  return below + (above - below) * (position - Math.floor(position))
}
