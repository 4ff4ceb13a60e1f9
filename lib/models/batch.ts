/** A batch as a caller writes it (ragged rows, no padding), and as the core takes it: one flat list of tokens in segments. */
import { AttuneError } from '../errors.js'
import type { NativeBatch } from '../native.js'

export interface Batch {
  /** One list of token ids per row. */
  readonly inputIds: readonly (readonly number[] | Int32Array)[]
  /** Aligned with `inputIds`; -100: no loss. Shifted inside: token i is asked to predict `labels[i + 1]`. */
  readonly labels?: readonly (readonly number[] | Int32Array)[]
  /** Aligned with `inputIds`; a 0 inside a row begins another text (packing), which sees nothing of those before it. */
  readonly positionIds?: readonly (readonly number[] | Int32Array)[]
}

/** Label of a token that carries no loss. */
export const ignoredLabel = -100

export interface BatchLimits {
  readonly vocabularySize: number
  /** Longest text. */
  readonly maxPositions: number
}

export interface FlatBatch {
  readonly ids: Int32Array
  readonly positions: Int32Array
  /** Ends of the segments, after a 0. */
  readonly cuSeqlens: Int32Array
}

/** Tokens that are asked for their successor, and those successors. */
export interface Targets {
  readonly rows: Int32Array
  readonly labels: Int32Array
}

/** Checks the rows and lays them end to end. `where` names the batch in errors. */
export function flatten(batch: Batch, limits: BatchLimits, where = 'batch'): FlatBatch {
  const { inputIds, positionIds } = batch
  if (inputIds.length === 0) {
    throw new AttuneError('invalid-batch', 'Expected at least one row of token ids.', { where: `${where}.inputIds` })
  }
  checkRows(positionIds, inputIds, `${where}.positionIds`)
  const total = inputIds.reduce((sum, row) => sum + row.length, 0)
  const ids = new Int32Array(total)
  const positions = new Int32Array(total)
  const ends: number[] = [0]
  let at = 0
  inputIds.forEach((row, r) => {
    const name = `${where}.inputIds[${r}]`
    if (row.length === 0) throw new AttuneError('invalid-batch', 'The row holds no tokens.', { where: name })
    const given = positionIds?.[r]
    let start = at
    for (let i = 0; i < row.length; i++, at++) {
      ids[at] = checked(row[i], limits.vocabularySize, 'a token id below the vocabulary size', `${name}[${i}]`)
      const position = given === undefined ? i : given[i]
      if (given !== undefined && position === 0 && at > start) {
        ends.push(at)
        start = at
      }
      if (at - start >= limits.maxPositions) throw tooLong(r, segmentLength(row, given, i), limits.maxPositions, name)
      if (position !== undefined && position >= limits.maxPositions) {
        throw tooLong(r, position + 1, limits.maxPositions, name)
      }
      positions[at] = checked(position, limits.maxPositions, 'a position', `${where}.positionIds[${r}][${i}]`)
    }
    ends.push(at)
  })
  return { ids, positions, cuSeqlens: Int32Array.from(ends) }
}

/** The labels of a causal model: the target of a token is the label of the next token of the same segment. */
export function causalTargets(batch: Batch, flat: FlatBatch, limits: BatchLimits, where = 'batch'): Targets {
  if (batch.labels === undefined) {
    throw new AttuneError('invalid-batch', 'The loss needs `labels`, aligned with `inputIds` (-100: no loss).', {
      where: `${where}.labels`,
    })
  }
  checkRows(batch.labels, batch.inputIds, `${where}.labels`)
  const rows: number[] = []
  const labels: number[] = []
  const starts = new Set(flat.cuSeqlens)
  let at = 0
  batch.labels.forEach((row, r) => {
    for (let i = 0; i < row.length; i++, at++) {
      const label = row[i]
      if (label === ignoredLabel) continue
      checked(
        label,
        limits.vocabularySize,
        `${ignoredLabel} or a token id below the vocabulary size`,
        `${where}.labels[${r}][${i}]`,
      )
      if (starts.has(at)) continue
      rows.push(at - 1)
      labels.push(label as number)
    }
  })
  return { rows: Int32Array.from(rows), labels: Int32Array.from(labels) }
}

/** What the core gets for a forward pass without a loss. */
export function forwardInputs(flat: FlatBatch): NativeBatch {
  return {
    sizes: { tokens: flat.ids.length, sequences: flat.cuSeqlens.length - 1 },
    inputs: { ids: flat.ids, positions: flat.positions, cu_seqlens: flat.cuSeqlens },
  }
}

/** What the core gets for a loss of `lossScale` times the sum over the targets. */
export function lossInputs(flat: FlatBatch, targets: Targets, lossScale: number): NativeBatch {
  const { sizes, inputs } = forwardInputs(flat)
  return {
    sizes: { ...sizes, rows: targets.rows.length },
    inputs: { ...inputs, rows: targets.rows, labels: targets.labels, loss_scale: Float32Array.of(lossScale) },
  }
}

function checkRows(rows: Batch['labels'], inputIds: Batch['inputIds'], where: string): void {
  if (rows === undefined) return
  if (rows.length !== inputIds.length) {
    throw new AttuneError(
      'invalid-batch',
      `Expected ${inputIds.length} rows, as in inputIds, but received ${rows.length}.`,
      {
        where,
      },
    )
  }
  rows.forEach((row, r) => {
    const expected = inputIds[r]?.length
    if (row.length !== expected) {
      throw new AttuneError(
        'invalid-batch',
        `Expected ${expected} values, one per token, but received ${row.length}.`,
        {
          where: `${where}[${r}]`,
        },
      )
    }
  })
}

function checked(value: number | undefined, limit: number, expected: string, where: string): number {
  if (value === undefined || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw new AttuneError('invalid-batch', `Expected ${expected} (0 to ${limit - 1}) but received ${value}.`, { where })
  }
  return value
}

/** Length of the text that token `i` of a row belongs to. */
function segmentLength(row: ArrayLike<number>, positions: ArrayLike<number> | undefined, i: number): number {
  if (positions === undefined) return row.length
  let start = i
  while (start > 0 && positions[start] !== 0) start--
  let end = i + 1
  while (end < row.length && positions[end] !== 0) end++
  return end - start
}

function tooLong(row: number, length: number, limit: number, where: string): AttuneError {
  return new AttuneError(
    'sequence-too-long',
    `Row ${row} has ${length} tokens, but the model takes at most ${limit}. Shorten it or split it into several rows.`,
    { where },
  )
}
