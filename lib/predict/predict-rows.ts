/** Runs a model over a stream of rows: a window of rows at a time, in it batches of like length, results in the order given. */
import { requireNotAborted } from '../abort.js'
import { batches } from '../data/batches.js'
import { AttuneError } from '../errors.js'
import type { Batch } from '../models/batch.js'
import type { Model } from '../models/model.js'
import type { Task } from '../task.js'
import type { PredictionProgress } from './predict-options.js'

/** What the model reads at once: a text, or a window of one. */
export interface Piece {
  readonly inputIds: Int32Array
  readonly tokenTypeIds?: Int32Array
}

/** A row as the model reads it, and what becomes of its logits. */
export interface PreparedRow<Result> {
  readonly pieces: readonly Piece[]
  /** @param logits of each piece: a row of them for each token, or one for the text */
  readonly result: (logits: readonly Float32Array[]) => Result
}

export interface RowsVerb<Input, Result> {
  /** What it asks of the model. */
  readonly task: Task
  /** The rows as the model reads them; an error stands for a row that it cannot read. */
  readonly prepare: (
    inputs: readonly Input[],
    nameOf: (index: number) => string,
  ) => Promise<(PreparedRow<Result> | AttuneError)[]>
}

export interface RunSettings {
  readonly tokensPerBatch: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: PredictionProgress | undefined
  /** Name of a row in errors. */
  readonly nameOf: (index: number) => string
}

export type Source<Input> = Iterable<Input> | AsyncIterable<Input>

// Enough rows that those of like length find each other, and no more text than is soon worked off.
const rowsPerWindow = 256
const charactersPerWindow = 1 << 18

/** A result for each row, or the error that the row cannot be read for: one that stands in its place in the source, or a new one. */
export async function* predictRows<Input, Result>(
  model: Model,
  source: Source<Input | AttuneError>,
  verb: RowsVerb<Input, Result>,
  settings: RunSettings,
): AsyncGenerator<Result | AttuneError, void, void> {
  let done = 0
  for await (const inputs of windowsOf(source)) {
    const start = done
    requireNotAborted(settings.signal, 'the work was aborted')
    const rows = await prepareGood(inputs, verb, (index) => settings.nameOf(start + index))
    const pieces = rows.flatMap((row, index) =>
      row instanceof AttuneError ? [] : row.pieces.map((piece) => ({ ...piece, index })),
    )
    const left = rows.map((row) => (row instanceof AttuneError ? 0 : row.pieces.length))
    const logits = await run(model, pieces, settings, (index) => {
      left[index] = (left[index] ?? 0) - 1
      if (left[index] === 0) done++
    })
    const ofRow = rows.map((): Float32Array[] => [])
    pieces.forEach(({ index }, at) => ofRow[index]?.push(logits[at] ?? new Float32Array(0)))
    done = start + rows.length
    for (const [index, row] of rows.entries()) {
      yield row instanceof AttuneError ? row : row.result(ofRow[index] ?? [])
    }
  }

  /** The logits of each piece. */
  async function run(
    of: Model,
    pieces: readonly (Piece & { readonly index: number })[],
    { tokensPerBatch, signal, onProgress }: RunSettings,
    note: (index: number) => void,
  ): Promise<Float32Array[]> {
    const logits: Float32Array[] = []
    const order = pieces.map((_, at) => at).sort((a, b) => lengthOf(pieces[b]) - lengthOf(pieces[a]) || a - b)
    const sorted = order.flatMap((at) => pieces[at] ?? [])
    const maxTokens = Math.max(tokensPerBatch, lengthOf(sorted[0]))
    for (const chosen of batches(sorted.map(lengthOf), { maxTokens, shuffle: false })) {
      requireNotAborted(signal, 'the work was aborted')
      const batch = chosen.flatMap((at) => sorted[at] ?? [])
      const { logits: all } = await of.forward(batchOf(batch, of))
      const outputs = all.shape[1] ?? 1
      const perToken = all.shape[0] !== batch.length
      let from = 0
      batch.forEach(({ inputIds, index }, i) => {
        const to = from + (perToken ? inputIds.length : 1) * outputs
        logits[order[chosen[i] ?? -1] ?? -1] = all.data.slice(from, to)
        from = to
        note(index)
      })
      onProgress?.({ rows: done })
    }
    return logits
  }
}

async function prepareGood<Input, Result>(
  inputs: readonly (Input | AttuneError)[],
  { prepare }: RowsVerb<Input, Result>,
  nameOf: (index: number) => string,
): Promise<(PreparedRow<Result> | AttuneError)[]> {
  const good = inputs.flatMap((input, index) => (input instanceof AttuneError ? [] : [{ input, index }]))
  const prepared = await prepare(
    good.map(({ input }) => input),
    (at) => nameOf(good[at]?.index ?? at),
  )
  const rows = prepared.values()
  return inputs.map((input) => {
    if (input instanceof AttuneError) return input
    return rows.next().value ?? new AttuneError('internal', 'a row was not prepared')
  })
}

function batchOf(pieces: readonly Piece[], { definition: { tokenTypes = 0 } }: Model): Batch {
  const inputIds = pieces.map((piece) => piece.inputIds)
  if (tokenTypes < 2 || pieces.every((piece) => piece.tokenTypeIds === undefined)) return { inputIds }
  return { inputIds, tokenTypeIds: pieces.map((piece) => piece.tokenTypeIds ?? new Int32Array(piece.inputIds.length)) }
}

async function* windowsOf<Input>(source: Source<Input>): AsyncGenerator<Input[], void, void> {
  let window: Input[] = []
  let size = 0
  for await (const input of source) {
    window.push(input)
    size += charactersOf(input)
    if (window.length < rowsPerWindow && size < charactersPerWindow) continue
    yield window
    window = []
    size = 0
  }
  if (window.length > 0) yield window
}

/** Of a row, whatever it is made of. */
function charactersOf(input: unknown): number {
  if (typeof input === 'string') return input.length
  if (typeof input !== 'object' || input === null) return 1
  return Object.values(input).reduce((sum: number, part) => sum + charactersOf(part), 0)
}

function lengthOf(piece: Piece | undefined): number {
  return piece?.inputIds.length ?? 0
}
