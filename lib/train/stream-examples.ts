/** The examples of one pass over a stream, encoded a few rows at a time. */
import { rowsPerChunk } from '../data/chunks-ahead.js'
import { Dataset } from '../data/dataset.js'
import type { EncodingOptions } from '../data/encoding-options.js'
import type { EncodedExample } from '../data/example.js'
import { prepareData, type PreparedData } from '../data/prepare-data.js'
import { RandomStream } from '../data/random.js'
import type { RowStream, StreamedRow } from '../data/row-stream.js'
import { shuffled } from '../data/shuffle-buffer.js'
import { AttuneError, type RowProblem } from '../errors.js'
import type { Model } from '../models/model.js'
import { requireFit } from './batch-sizes.js'
import { digestExamples } from './run-identity.js'
import { digestAfter, noRows, type StreamPosition } from './stream-position.js'

/** Some examples of a pass, in the order they are trained on. */
export interface ExampleChunk {
  /** Rows of the pass that were drawn before its own. */
  readonly rowsBefore: number
  readonly rows: number
  /** Of the rows before. */
  readonly digestBefore: string
  readonly examples: readonly EncodedExample[]
  /** Tokens of each. */
  readonly lengths: ArrayLike<number>
  readonly counts: Pick<PreparedData, 'truncated' | 'truncatedTokens' | 'skipped' | 'findings'>
}

export interface PassOptions {
  readonly encoding: EncodingOptions
  readonly batchTokens: number | undefined
  /** Rows that wait to be drawn from; 0: file order. */
  readonly buffer: number
  readonly seed: number
  readonly epoch: number
  /** What is before it is read, but not encoded. */
  readonly from: StreamPosition | undefined
  readonly onSkipped: (bad: RowProblem) => void
}

/**
 * @throws AttuneError 'invalid-checkpoint' where the rows before `from` are others than they were, and what reading and encoding
 * throw
 */
export async function* chunksOfPass(
  model: Model,
  stream: RowStream,
  options: PassOptions,
): AsyncGenerator<ExampleChunk, void, void> {
  const { buffer, seed, epoch, from } = options
  const random = new RandomStream('stream', seed, epoch)
  const drawn = shuffled(stream.pass(options.onSkipped), { buffer, random, chunkRows: rowsPerChunk })
  let rowsBefore = 0
  let digestBefore = noRows
  for await (const rows of drawn) {
    if (rowsBefore >= (from?.rows ?? 0)) {
      const chunk = { rowsBefore, digestBefore, ...(await encoded(model, stream, rows, rowsBefore, options)) }
      if (from?.rows === rowsBefore) await requireSameRows(chunk, from)
      yield chunk
    }
    rowsBefore += rows.length
    digestBefore = digestAfter(digestBefore, rows)
  }
  if (from !== undefined && rowsBefore <= from.rows && from.rows > 0) throw otherRows()
}

/** Of what was drawn up to an example of the chunk. */
export async function digestAt({ digestBefore, examples }: ExampleChunk, used: number): Promise<string> {
  return `${digestBefore}.${await digestExamples(examples.slice(0, used))}`
}

async function encoded(
  model: Model,
  stream: RowStream,
  rows: readonly StreamedRow[],
  rowsBefore: number,
  { encoding, batchTokens, seed, epoch }: PassOptions,
): Promise<Omit<ExampleChunk, 'rowsBefore' | 'digestBefore'>> {
  const dataset = Dataset.ofChecked(rows, stream.shape)
  // What is masked differs from chunk to chunk and from epoch to epoch.
  const masks = new RandomStream('masks', seed, epoch, rowsBefore).nextUint32()
  try {
    const data = await prepareData(dataset, model, { ...encoding, seed: masks }, 'options.train')
    requireFit(data, batchTokens)
    return { rows: rows.length, examples: [...data.examples], lengths: data.sizes.lengths, counts: data }
  } catch (error) {
    // All of these few rows were too long, which says nothing of the others.
    if (!(error instanceof AttuneError) || error.code !== 'empty-dataset') throw error
    const counts = { truncated: 0, truncatedTokens: 0, skipped: rows.length, findings: [] }
    return { rows: rows.length, examples: [], lengths: [], counts }
  }
}

async function requireSameRows(chunk: ExampleChunk, from: StreamPosition): Promise<void> {
  const digest = from.examples === 0 && from.rows === 0 ? noRows : await digestAt(chunk, from.examples)
  if (digest !== from.digest) throw otherRows()
}

function otherRows(): AttuneError {
  const message =
    'the rows of the stream up to the checkpoint are others than those that were trained on. Resume with the same rows, or start anew with resume: false.'
  return new AttuneError('invalid-checkpoint', message, { where: 'options.train' })
}
