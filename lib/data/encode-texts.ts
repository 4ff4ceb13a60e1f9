import { AttuneError } from '../errors.js'
import type { EncodedText, Tokenizer } from '../tokenizer/tokenizer.js'
import { chunksAhead, type ChunkOptions } from './chunks-ahead.js'
import type { Dataset } from './dataset.js'
import { nothingCut, type LengthCounts } from './length-counts.js'
import type { DatasetRow } from './rows.js'
import { RowProblems } from './row-problems.js'
import { keptTokens } from './shorten.js'

/** Options that the encoders of all tasks have. */
export interface TextOptions extends ChunkOptions {
  /** The most tokens of an example. Default: no limit. */
  readonly maxLength?: number | undefined
  /**
   * What happens to longer texts: 'error' throws, 'tail' cuts off their end, 'head' their beginning (added tokens stay; of a
   * pair the longer text gives first), 'skip' leaves the row out. Default: 'error'.
   */
  readonly truncation?: Truncation | undefined
}

/** Of tasks that can read a long text in windows. */
export interface WindowedTextOptions extends Omit<TextOptions, 'truncation'> {
  /** As for other tasks; 'window' makes several examples of a long text. Default: 'error'. */
  readonly truncation?: Truncation | 'window' | undefined
  /** Of 'window' only: tokens that neighbouring windows share. */
  readonly stride?: number | undefined
}

export type Truncation = 'error' | 'tail' | 'head' | 'skip'

export type TextOrPair = string | readonly [text: string, pair: string]

/** A text as tokens, cut where it had to be. */
export interface KeptText {
  readonly ids: Int32Array
  readonly encoded: EncodedText
  /** Which tokens of `encoded` are left; undefined: all. */
  readonly kept: readonly number[] | undefined
}

export interface EncodeTextsOptions extends TextOptions {
  /** Whether windows are among the advice on long texts. */
  readonly hasWindows?: boolean
}

/** What is left for `encodeTexts` to do where a task cuts its texts into windows itself. */
export function uncut({ truncation, maxLength, signal, onRows }: WindowedTextOptions): EncodeTextsOptions {
  const cut = truncation === 'window' ? {} : { truncation, maxLength }
  return { ...cut, signal, onRows, hasWindows: true }
}

/**
 * Tokenizes the texts of all rows and hands them on, row after row.
 * @throws AttuneError 'sequence-too-long', 'invalid-dataset' (a text without tokens), 'invalid-option', 'aborted'
 */
export async function encodeTexts<Row extends DatasetRow>(
  dataset: Dataset,
  tokenizer: Tokenizer,
  textOf: (row: Row) => TextOrPair,
  options: EncodeTextsOptions,
  visit: (text: KeptText, index: number, row: Row) => void,
): Promise<LengthCounts> {
  const maxLength = checkedMaxLength(options.maxLength)
  const truncation = options.truncation ?? 'error'
  const problems = new RowProblems()
  const counts = { ...nothingCut }
  const rows = dataset.rows as readonly Row[]
  const chunks = chunksAhead(rows.length, options, (start, end) =>
    tokenizer.encodeBatchInFull(rows.slice(start, end).map(textOf)),
  )
  for await (const { start, result } of chunks) {
    result.forEach((encoded, offset) => {
      const index = start + offset
      const origin = dataset.origins[index] ?? ''
      const row = rows[index] as Row
      const { ids } = encoded
      if (ids.length <= maxLength) {
        if (ids.length === 0) problems.note('invalid-dataset', origin, 'the tokenizer makes no tokens of the text')
        else visit({ ids, encoded, kept: undefined }, index, row)
      } else if (truncation === 'skip') {
        counts.skipped++
      } else if (truncation === 'error') {
        problems.note('sequence-too-long', origin, tooLong(ids.length, maxLength, options))
      } else {
        const kept = keptTokens(encoded, maxLength, truncation)
        if (kept === undefined) throw noRoom(maxLength, origin)
        counts.truncated++
        counts.truncatedTokens += ids.length - kept.length
        visit(partOf({ ids, encoded, kept: undefined }, kept), index, row)
      }
    })
  }
  problems.throwIfAny()
  return counts
}

/** Some of a text's tokens. */
export function partOf({ encoded }: KeptText, kept: readonly number[]): KeptText {
  return { ids: Int32Array.from(kept, (at) => encoded.ids[at] ?? 0), encoded, kept }
}

/** The entries of a list that belong to the tokens left. */
export function keptOf<Value>(list: readonly Value[], kept: readonly number[] | undefined): readonly Value[] {
  return kept === undefined ? list : kept.map((at) => list[at] as Value)
}

/** The token types where any is not 0. */
export function tokenTypes({ encoded, kept }: KeptText): { readonly tokenTypeIds?: Int32Array } {
  const types = Int32Array.from(keptOf(encoded.typeIds, kept))
  return types.some((type) => type !== 0) ? { tokenTypeIds: types } : {}
}

export function checkedMaxLength(maxLength: number | undefined): number {
  if (maxLength === undefined || maxLength === Infinity) return Infinity
  if (Number.isSafeInteger(maxLength) && maxLength >= 2) return maxLength
  const message = `options.maxLength should be a whole number from 2 on, received ${maxLength}`
  throw new AttuneError('invalid-option', message, { where: 'options.maxLength' })
}

function tooLong(length: number, maxLength: number, { hasWindows = false }: EncodeTextsOptions): string {
  const ways = hasWindows ? "'tail', 'head', 'skip' or 'window'" : "'tail', 'head' or 'skip'"
  return `${length} tokens, more than options.maxLength (${maxLength}); raise it, shorten the row, or set options.truncation to ${ways}`
}

function noRoom(maxLength: number, origin: string): AttuneError {
  const message = `options.maxLength ${maxLength} leaves no room for the text of ${origin} between the tokens that the tokenizer adds`
  return new AttuneError('invalid-option', message, { where: 'options.maxLength' })
}
