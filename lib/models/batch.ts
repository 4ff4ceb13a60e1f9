/** A batch as a caller writes it (ragged rows, no padding), and as the core takes it: one flat list of tokens in segments. */
import { AttuneError } from '../errors.js'
import type { NativeBatch } from '../native.js'

type Row = readonly number[] | Int32Array

export interface Batch {
  /** One list of token ids per row. */
  readonly inputIds: readonly Row[]
  /**
   * What the loss asks for; -100 stands for nothing.
   * causal-lm, masked-lm, token-classification: a label per token (a causal model shifts inside: token i is asked to
   * predict `labels[i + 1]`). seq2seq-lm: the decoder's tokens. sequence-classification: a label or a number per row, or
   * a list of them (0 and 1 for many labels). question-answering: [start, end], tokens of the row. embedding: for each of
   * the first `labels.length` rows its positive's index among the rows after them.
   */
  readonly labels?: readonly (Row | number)[]
  /** Aligned with `inputIds`; where positions begin again inside a row another text begins (packing), which sees nothing of those before it. */
  readonly positionIds?: readonly Row[]
  /** Aligned with `inputIds`: 0 for the first text of a pair, 1 for the second. Models without such a table have none. @default all 0 */
  readonly tokenTypeIds?: readonly Row[]
  /** What the decoder reads, of an encoder-decoder. @default the labels, shifted right */
  readonly decoderInputIds?: readonly Row[]
}

/** Largest sizes of a step, for `plan`. */
export interface BatchSizes {
  readonly tokens: number
  readonly sequences: number
  /** Labelled tokens, or texts. */
  readonly rows: number
  /** Of an encoder-decoder. */
  readonly decoderTokens?: number
  /** Of embeddings: texts to choose the positive from. */
  readonly candidates?: number
}

/** Label of a token that carries no loss. */
export const ignoredLabel = -100

export interface BatchLimits {
  readonly vocabularySize: number
  /** Longest text. */
  readonly maxPositions: number
  readonly tokenTypes?: number
  readonly positionsOf?: ((row: ArrayLike<number>) => number[]) | undefined
  readonly firstPosition?: number
  /** Of an encoder-decoder. */
  readonly decoderStartTokenId?: number | undefined
  readonly padTokenId?: number | undefined
}

export interface FlatBatch {
  readonly ids: Int32Array
  readonly positions: Int32Array
  /** Ends of the segments, after a 0. */
  readonly cuSeqlens: Int32Array
  readonly tokenTypes: Int32Array | undefined
  /** What the decoder of an encoder-decoder reads. */
  readonly decoder: FlatRows | undefined
}

export interface FlatRows {
  readonly ids: Int32Array
  readonly cuSeqlens: Int32Array
}

/** Checks the rows and lays them end to end. `where` names the batch in errors. */
export function flatten(batch: Batch, limits: BatchLimits, where = 'batch'): FlatBatch {
  const { inputIds, positionIds, tokenTypeIds } = batch
  const { firstPosition = 0, tokenTypes = 0 } = limits
  if (inputIds.length === 0) {
    throw new AttuneError('invalid-batch', 'Expected at least one row of token ids.', { where: `${where}.inputIds` })
  }
  checkAligned(positionIds, inputIds, `${where}.positionIds`)
  const total = inputIds.reduce((sum, row) => sum + row.length, 0)
  const ids = new Int32Array(total)
  const positions = new Int32Array(total)
  const ends: number[] = [0]
  let at = 0
  inputIds.forEach((row, r) => {
    const name = `${where}.inputIds[${r}]`
    if (row.length === 0) throw new AttuneError('invalid-batch', 'The row holds no tokens.', { where: name })
    const given = positionIds?.[r]
    const placed = given ?? limits.positionsOf?.(row)
    let start = at
    for (let i = 0; i < row.length; i++, at++) {
      ids[at] = checkedId(row[i], limits.vocabularySize, 'a token id below the vocabulary size', `${name}[${i}]`)
      const position = placed === undefined ? i : placed[i]
      if (given !== undefined && position === firstPosition && at > start) {
        ends.push(at)
        start = at
      }
      if (at - start >= limits.maxPositions) {
        throw tooLong(r, segmentLength(row, given, i, firstPosition), limits.maxPositions, name)
      }
      const limit = firstPosition + limits.maxPositions
      if (position !== undefined && position >= limit) throw tooLong(r, position + 1, limits.maxPositions, name)
      positions[at] = checkedId(position, limit, 'a position', `${where}.positionIds[${r}][${i}]`)
    }
    ends.push(at)
  })
  const cuSeqlens = Int32Array.from(ends)
  const types = tokenTypes === 0 ? undefined : flatTypes(tokenTypeIds, inputIds, tokenTypes, `${where}.tokenTypeIds`)
  if (tokenTypes === 0 && tokenTypeIds !== undefined) {
    throw new AttuneError('invalid-batch', 'This model has no token types: leave tokenTypeIds out.', {
      where: `${where}.tokenTypeIds`,
    })
  }
  const decoder = limits.decoderStartTokenId === undefined ? undefined : flatDecoderRows(batch, limits, where)
  return { ids, positions, cuSeqlens, tokenTypes: types, decoder }
}

/** The rows the decoder reads: those given, or the labels behind the start token (teacher forcing). */
function flatDecoderRows(batch: Batch, limits: BatchLimits, where: string): FlatRows {
  const { decoderStartTokenId: start = 0, padTokenId: pad = 0, vocabularySize } = limits
  const field = batch.decoderInputIds === undefined ? 'labels' : 'decoderInputIds'
  const rows = batch.decoderInputIds ?? batch.labels?.map((row) => shiftedRight(row, start, pad))
  if (rows === undefined) {
    throw new AttuneError('invalid-batch', 'An encoder-decoder needs decoderInputIds, or labels to make them from.', {
      where: `${where}.decoderInputIds`,
    })
  }
  checkRowCount(rows, batch.inputIds.length, `${where}.${field}`)
  const ids: number[] = []
  const ends = [0]
  rows.forEach((row, r) => {
    const name = `${where}.${field}[${r}]`
    if (row.length === 0) throw new AttuneError('invalid-batch', 'The row holds no tokens.', { where: name })
    row.forEach((id: number, i: number) =>
      ids.push(checkedId(id, vocabularySize, 'a token id below the vocabulary size', `${name}[${i}]`)),
    )
    ends.push(ids.length)
  })
  return { ids: Int32Array.from(ids), cuSeqlens: Int32Array.from(ends) }
}

function shiftedRight(row: Row | number, start: number, pad: number): number[] {
  const labels = typeof row === 'number' ? [row] : Array.from(row)
  return [start, ...labels.slice(0, -1).map((id) => (id === ignoredLabel ? pad : id))]
}

function flatTypes(rows: Batch['tokenTypeIds'], inputIds: Batch['inputIds'], limit: number, where: string): Int32Array {
  checkAligned(rows, inputIds, where)
  const flat = inputIds.flatMap((row, r) =>
    Array.from(row, (_, i) => {
      const type = rows === undefined ? 0 : rows[r]?.[i]
      return checkedId(type, limit, 'a token type', `${where}[${r}][${i}]`)
    }),
  )
  return Int32Array.from(flat)
}

/** What the core gets for a forward pass without a head that reads chosen rows. */
export function forwardInputs(flat: FlatBatch): NativeBatch {
  const { ids, positions, cuSeqlens, tokenTypes, decoder } = flat
  const sizes = { tokens: ids.length, sequences: cuSeqlens.length - 1 }
  const inputs = { ids, positions, cu_seqlens: cuSeqlens }
  if (decoder !== undefined) {
    return {
      sizes: { ...sizes, decoder_tokens: decoder.ids.length },
      inputs: { ...inputs, decoder_ids: decoder.ids, decoder_cu_seqlens: decoder.cuSeqlens },
    }
  }
  return { sizes, inputs: tokenTypes === undefined ? inputs : { ...inputs, token_type_ids: tokenTypes } }
}

/** Rows aligned with `inputIds`: as many, each as long. */
export function checkAligned(
  rows: readonly (Row | number)[] | undefined,
  inputIds: Batch['inputIds'],
  where: string,
): asserts rows is readonly Row[] | undefined {
  if (rows === undefined) return
  checkRowCount(rows, inputIds.length, where)
  rows.forEach((row, r) => {
    const expected = inputIds[r]?.length
    const received = typeof row === 'number' ? 'a number' : row.length
    if (received === expected) return
    throw new AttuneError('invalid-batch', `Expected ${expected} values, one per token, but received ${received}.`, {
      where: `${where}[${r}]`,
    })
  })
}

export function checkRowCount(rows: readonly unknown[], expected: number, where: string): void {
  if (rows.length === expected) return
  throw new AttuneError('invalid-batch', `Expected ${expected} rows, as in inputIds, but received ${rows.length}.`, {
    where,
  })
}

/** A whole number from 0 to below `limit`. */
export function checkedId(value: number | undefined, limit: number, expected: string, where: string): number {
  if (value === undefined || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw new AttuneError('invalid-batch', `Expected ${expected} (0 to ${limit - 1}) but received ${value}.`, { where })
  }
  return value
}

/** Length of the text that token `i` of a row belongs to. */
function segmentLength(
  row: ArrayLike<number>,
  positions: ArrayLike<number> | undefined,
  i: number,
  first: number,
): number {
  if (positions === undefined) return row.length
  let start = i
  while (start > 0 && positions[start] !== first) start--
  let end = i + 1
  while (end < row.length && positions[end] !== first) end++
  return end - start
}

function tooLong(row: number, length: number, limit: number, where: string): AttuneError {
  return new AttuneError(
    'sequence-too-long',
    `Row ${row} has ${length} tokens, but the model takes at most ${limit}. Shorten it or split it into several rows.`,
    { where },
  )
}
