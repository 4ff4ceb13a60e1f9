/** Sentence embeddings: whether an anchor finds its positive, among its batch and among all texts. */
import type { PairExample } from '../../data/example.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { SpreadCounter, type Spread } from '../spread.js'
import {
  lossMetric,
  ratioMetric,
  type BatchResult,
  type MeasuredRow,
  type RowOfExample,
  type RowReader,
  type RowSource,
  type TaskMeasure,
} from './task-measure.js'

export interface RetrievalRow extends MeasuredRow {
  /** Place of the positive among all texts of the batch, and of the data; 1: the nearest. */
  readonly batchRank: number
  readonly rank: number
  /** Of the anchor to its positive, to its negative (where there is one), and to all other candidates on average. */
  readonly positiveSimilarity: number
  readonly negativeSimilarity: number | undefined
  readonly otherSimilarity: number
}

export interface RetrievalDetails {
  /** Cosine similarities of anchors to their positives, their negatives (where rows have them) and to other rows' texts. */
  readonly positives: Spread
  readonly negatives?: Spread
  readonly others: Spread
}

export interface RetrievalRecord {
  readonly rank: number
  readonly correct: boolean
  readonly positiveSimilarity: number
  readonly negativeSimilarity?: number
}

export const embeddingsMeasure = {
  name: 'sentence embeddings',
  metrics: {
    loss: lossMetric,
    accuracy: ranked(({ batchRank }) => (batchRank === 1 ? 1 : 0)),
    'recall@1': ranked(({ rank }) => (rank <= 1 ? 1 : 0)),
    'recall@5': ranked(({ rank }) => (rank <= 5 ? 1 : 0)),
    'recall@10': ranked(({ rank }) => (rank <= 10 ? 1 : 0)),
    mrr: ranked(({ rank }) => 1 / rank),
    'positive-similarity': ranked(({ positiveSimilarity }) => positiveSimilarity),
  },
  usual: () => ['loss', 'accuracy', 'recall@1', 'recall@5', 'recall@10', 'mrr', 'positive-similarity'],
  reader: (source) => new EmbeddingReader(source),
  details() {
    const positives = new SpreadCounter()
    const negatives = new SpreadCounter()
    const others = new SpreadCounter()
    let some = false
    return {
      add({ positiveSimilarity, negativeSimilarity, otherSimilarity }: RetrievalRow) {
        positives.add(positiveSimilarity)
        if (!Number.isNaN(otherSimilarity)) others.add(otherSimilarity)
        if (negativeSimilarity === undefined) return
        negatives.add(negativeSimilarity)
        some = true
      },
      value: () => ({
        positives: positives.value(),
        ...(some && { negatives: negatives.value() }),
        others: others.value(),
      }),
    }
  },
  record: ({ rank, positiveSimilarity, negativeSimilarity }) => ({
    rank,
    correct: rank === 1,
    positiveSimilarity,
    ...(negativeSimilarity !== undefined && { negativeSimilarity }),
  }),
  isCorrect: ({ rank }) => rank === 1,
} satisfies TaskMeasure<RetrievalRow, RetrievalDetails, RetrievalRecord>

function ranked(of: (row: RetrievalRow) => number): TaskMetric<RetrievalRow> {
  return taskMetric<RetrievalRow, [number, number]>({ of: (row) => [of(row), 1], make: () => ratioMetric() })
}

/** The texts of an example, as vectors of length 1. */
interface Embedded {
  readonly index: number
  readonly anchor: Float32Array
  readonly positive: Float32Array
  readonly negative: Float32Array | undefined
  readonly lossSum: number
  readonly weight: number
  readonly batchRank: number
}

/** Holds the vectors of all texts (not logits): ranks among all of them are known only at the end. */
class EmbeddingReader implements RowReader<RetrievalRow> {
  readonly #source: RowSource
  readonly #embedded: Embedded[] = []

  constructor(source: RowSource) {
    this.#source = source
  }

  read(indices: readonly number[], result: BatchResult): readonly RowOfExample<RetrievalRow>[] {
    const { embeddings, losses, weight } = result
    const size = embeddings?.shape[1] ?? 0
    const vector = (row: number): Float32Array =>
      unitVector(embeddings?.data.subarray(row * size, (row + 1) * size) ?? new Float32Array())
    const count = indices.length
    let negatives = 2 * count
    const rows = indices.map((index, i) => {
      const { negativeIds } = this.#source.examples.at(index) as PairExample
      const negative = negativeIds === undefined ? undefined : vector(negatives++)
      return { index, anchor: vector(i), positive: vector(count + i), negative }
    })
    const candidates = candidatesOf(rows)
    rows.forEach((row, i) => {
      const batchRank = rankOf(row.anchor, row.positive, candidates).rank
      this.#embedded.push({ ...row, lossSum: losses[i] ?? NaN, weight: weight / count, batchRank })
    })
    return []
  }

  finish(): readonly RowOfExample<RetrievalRow>[] {
    const candidates = candidatesOf(this.#embedded)
    return this.#embedded.map(({ index, anchor, positive, negative, lossSum, weight, batchRank }) => {
      const { rank, own, sum } = rankOf(anchor, positive, candidates)
      const negativeSimilarity = negative === undefined ? undefined : dot(anchor, negative)
      const others = candidates.length - 1 - (negative === undefined ? 0 : 1)
      const row = {
        lossSum,
        weight,
        batchRank,
        rank,
        positiveSimilarity: own,
        negativeSimilarity,
        otherSimilarity: others === 0 ? NaN : (sum - own - (negativeSimilarity ?? 0)) / others,
      }
      return { index, row }
    })
  }
}

function candidatesOf(
  rows: readonly { readonly positive: Float32Array; readonly negative: Float32Array | undefined }[],
): Float32Array[] {
  return rows.flatMap(({ positive, negative }) => (negative === undefined ? [positive] : [positive, negative]))
}

/** Place of the positive by similarity. An equal vector does not stand before it: the data may have a text twice. */
function rankOf(
  anchor: Float32Array,
  positive: Float32Array,
  candidates: readonly Float32Array[],
): { rank: number; own: number; sum: number } {
  const own = dot(anchor, positive)
  let rank = 1
  let sum = 0
  for (const candidate of candidates) {
    const similarity = dot(anchor, candidate)
    if (similarity > own) rank++
    sum += similarity
  }
  return { rank, own, sum }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

function unitVector(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector))
  return length === 0 ? vector.slice() : vector.map((value) => value / length)
}
