import type { Dataset } from '../data/dataset.js'
import { textKey } from './find-duplicates.js'
import { NearDuplicateIndex, type NearDuplicateOptions } from './near-duplicate-index.js'
import type { NormalizeOptions } from './normalize-text.js'
import { labelOfRow, textOfRow, type ComparedBy } from './row-texts.js'

interface CompareOptions extends NormalizeOptions, Omit<NearDuplicateOptions, 'threshold'> {
  /** The similarity from which on rows are near duplicates, above 0 up to 1; false: only rows that are the same. Default: 0.85. */
  readonly near?: number | false | undefined
}

export interface DeduplicateOptions extends CompareOptions {
  /** Which row of the same ones stays. Default: 'first'. */
  readonly keep?: 'first' | 'last' | undefined
  /** 'row': texts and labels; 'texts': texts whatever their labels; 'input': what the model reads, not what it answers. Default: 'row'. */
  readonly by?: ComparedBy | undefined
}

/** A row that is the same, or nearly, as another one. */
export interface DuplicateRow {
  readonly index: number
  readonly origin: string
  /** The row that it is a duplicate of. */
  readonly of: { readonly index: number; readonly origin: string }
  /** The share of word runs in common; 1 where the rows are the same after normalization. */
  readonly similarity: number
}

export interface DuplicateReport {
  readonly rows: number
  readonly exact: readonly DuplicateRow[]
  readonly near: readonly DuplicateRow[]
}

/** Leaves out rows that are the same as one that stays, or nearly. @throws AttuneError 'invalid-option' */
export function deduplicate(
  dataset: Dataset,
  { keep = 'first', by = 'row', ...options }: DeduplicateOptions = {},
): { readonly dataset: Dataset; readonly report: DuplicateReport } {
  const order = [...dataset.rows.keys()]
  const known = new KnownRows(dataset, by, options)
  const duplicates = new Map<number, DuplicateRow & { readonly isExact: boolean }>()
  for (const index of keep === 'last' ? order.reverse() : order) {
    const found = known.find(dataset, index)
    if (found === undefined) known.add(index)
    else duplicates.set(index, found)
  }
  return {
    dataset: dataset.filter((_, index) => !duplicates.has(index)),
    report: reportOf(dataset, [...duplicates.values()]),
  }
}

/**
 * Rows of `validation` that training has seen: the same or nearly the same ones.
 * @throws AttuneError 'invalid-option'
 */
export function findLeakage(
  train: Dataset,
  validation: Dataset,
  { by = 'input', ...options }: CompareOptions & Pick<DeduplicateOptions, 'by'> = {},
): DuplicateReport {
  const known = new KnownRows(train, by, options)
  train.rows.forEach((_, index) => {
    if (!known.hasSame(index)) known.add(index)
  })
  const found = validation.rows.flatMap((_, index) => known.find(validation, index) ?? [])
  return reportOf(validation, found)
}

class KnownRows {
  readonly #dataset: Dataset
  readonly #by: ComparedBy
  readonly #normalize: NormalizeOptions
  readonly #same = new Map<string, number>()
  readonly #near: NearDuplicateIndex | undefined

  constructor(dataset: Dataset, by: ComparedBy, { near = 0.85, ignoreCase, ignoreSpace, ...options }: CompareOptions) {
    this.#dataset = dataset
    this.#by = by
    this.#normalize = { ignoreCase, ignoreSpace }
    this.#near =
      near === false
        ? undefined
        : new NearDuplicateIndex((at) => this.#text(dataset, at), { ...options, threshold: near })
  }

  hasSame(index: number): boolean {
    return this.#same.has(this.#key(this.#dataset, index))
  }

  add(index: number): void {
    this.#same.set(this.#key(this.#dataset, index), index)
    this.#near?.add(this.#text(this.#dataset, index), index)
  }

  find(dataset: Dataset, index: number): (DuplicateRow & { readonly isExact: boolean }) | undefined {
    const made = (of: number, similarity: number, isExact: boolean): DuplicateRow & { readonly isExact: boolean } => ({
      index,
      origin: dataset.origins[index] ?? '',
      of: { index: of, origin: this.#dataset.origins[of] ?? '' },
      similarity,
      isExact,
    })
    const same = this.#same.get(this.#key(dataset, index))
    if (same !== undefined) return made(same, 1, true)
    // Rows of one text that have other labels are no duplicates of each other.
    const label = this.#label(dataset, index)
    const near = this.#near?.find(this.#text(dataset, index), (at) => this.#label(this.#dataset, at) === label)
    return near === undefined ? undefined : made(near.index, near.similarity, false)
  }

  #text(dataset: Dataset, index: number): string {
    const row = dataset.rows[index]
    return row === undefined ? '' : textOfRow(row, this.#by)
  }

  #label(dataset: Dataset, index: number): string {
    const row = dataset.rows[index]
    return row === undefined || this.#by !== 'row' ? '' : labelOfRow(row)
  }

  #key(dataset: Dataset, index: number): string {
    return `${this.#label(dataset, index)}\0${textKey(this.#text(dataset, index), this.#normalize)}`
  }
}

function reportOf(dataset: Dataset, found: readonly (DuplicateRow & { readonly isExact: boolean })[]): DuplicateReport {
  const rows = [...found].sort((a, b) => a.index - b.index)
  const plain = (isExact: boolean): DuplicateRow[] =>
    rows
      .filter((row) => row.isExact === isExact)
      .map(({ index, origin, of, similarity }) => ({ index, origin, of, similarity }))
  return { rows: dataset.length, exact: plain(true), near: plain(false) }
}
