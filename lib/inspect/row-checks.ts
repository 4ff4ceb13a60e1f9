import type { Dataset } from '../data/dataset.js'
import type { DatasetRow } from '../data/rows.js'
import { DuplicateCheck } from './duplicate-check.js'
import { EmptyCheck } from './empty-check.js'
import type { Finding } from './finding.js'
import type { Part } from './label-book.js'
import { NearDuplicateCheck } from './near-duplicate-check.js'
import { OriginList } from './origin-list.js'
import { textsOf } from './row-texts.js'
import { TextCheck } from './text-check.js'

export interface RowCheckLimits {
  /** Texts that are compared with each other, in characters; they are kept for that. */
  readonly nearCharacters: number
  /** Texts in which persons and odd characters are looked for, in characters. */
  readonly textCharacters: number
}

/** What can be said of rows without a tokenizer and without a task. Training rows come first. */
export class RowChecks {
  readonly texts = new TextCheck()
  readonly origins = new OriginList()
  readonly #duplicates = new DuplicateCheck()
  readonly #near: NearDuplicateCheck
  readonly #empty = new EmptyCheck()
  #textCharacters: number

  constructor({ nearCharacters, textCharacters }: RowCheckLimits) {
    this.#near = new NearDuplicateCheck(nearCharacters)
    this.#textCharacters = textCharacters
  }

  /** The number under which `origins` knows the row. */
  add(row: DatasetRow, part: Part, origin: string): number {
    const index = this.origins.add(origin)
    const repeats = this.#duplicates.add(row, part, this.origins, index)
    if (!repeats) this.#near.add(row, part, this.origins, index)
    this.#empty.add(row, origin)
    if (part === 'train' && this.#textCharacters > 0) {
      const texts = textsOf(row)
      this.#textCharacters -= texts.reduce((sum, text) => sum + text.length, 0)
      this.texts.add(texts, origin)
    }
    return index
  }

  /** Rows that were not looked at for near duplicates. */
  get notCompared(): number {
    return this.#near.left
  }

  findings(): Finding[] {
    return [
      ...this.#duplicates.findings(),
      ...this.#near.findings(),
      ...this.#empty.findings(),
      ...this.texts.findings(),
    ]
  }
}

// What a run looks at before it starts: under two seconds of work.
const runLimits: RowCheckLimits = { nearCharacters: 2_000_000, textCharacters: 2_000_000 }

/** What a training run checks of its rows beyond what encoding them checks. */
export function inspectRows(train: Dataset, validation: Dataset | undefined): Finding[] {
  const checks = new RowChecks(runLimits)
  const add = (rows: Dataset, part: Part): void => {
    rows.rows.forEach((row, at) => checks.add(row, part, rows.origins[at] ?? ''))
  }
  add(train, 'train')
  if (validation !== undefined) add(validation, 'validation')
  return checks.findings()
}
