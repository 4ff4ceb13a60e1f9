import type { Dataset } from '../data/dataset.js'
import type { DataFinding } from '../data/encoded-task.js'
import type { Recognition } from '../data/recognize-shape.js'
import type { LossOn } from '../data/row-encoders.js'
import type { ShapeName } from '../data/rows.js'
import { findingsOf } from './class-checks.js'
import { ErrorBook } from './error-findings.js'
import type { Finding } from './finding.js'
import { HostedFormat } from './hosted-format.js'
import type { InspectedFor } from './inspected-for.js'
import { LabelBook, type LabelSummary, type Part } from './label-book.js'
import { LengthCheck, type TruncationPolicy } from './length-check.js'
import { measureRows } from './measure-rows.js'
import type { UnreadableRow } from './read-rows.js'
import { RowChecks } from './row-checks.js'
import { textsOf } from './row-texts.js'
import type { TextCheck } from './text-check.js'

export interface CheckSettings extends InspectedFor {
  readonly lossOn: LossOn | undefined
  readonly maxLength: number | undefined
  readonly maxTargetLength: number | undefined
  readonly truncation: TruncationPolicy
  readonly stride: number | undefined
  readonly signal: AbortSignal | undefined
}

// Kept to be compared, and compared in some seconds.
const nearCharacters = 20_000_000

/** All checks over rows that come chunk by chunk, training rows first. What it keeps of a row is a few numbers. */
export class DataInspection {
  readonly #settle: (shape: ShapeName | undefined) => CheckSettings
  readonly #labels = new LabelBook()
  readonly #errors = new ErrorBook()
  readonly #skipped = new ErrorBook('skipped')
  readonly #files = new ErrorBook('file')
  readonly #checks = new RowChecks({ nearCharacters, textCharacters: Infinity })
  readonly #hosted = new HostedFormat()
  readonly #encoding = new Map<DataFinding['code'], { readonly what: string; readonly origins: string[] }>()
  readonly #rows: Record<Part, number> = { train: 0, validation: 0 }
  #settings: CheckSettings | undefined
  #lengths: LengthCheck | undefined
  #recognition: Recognition | undefined
  #unreadable = 0

  /** @param settle what the rows are checked for, once their shape is known */
  constructor(settle: (shape: ShapeName | undefined) => CheckSettings) {
    this.#settle = settle
  }

  get shape(): ShapeName | undefined {
    return this.#recognition?.shape
  }

  /** How the rows are read. */
  get recognition(): Recognition | undefined {
    return this.#recognition
  }

  get settings(): CheckSettings {
    return (this.#settings ??= this.#settle(this.shape))
  }

  get lengths(): LengthCheck {
    return (this.#lengths ??= new LengthCheck(this.settings))
  }

  get rows(): number {
    return this.#rows.train
  }

  get validationRows(): number {
    return this.#rows.validation
  }

  get unreadable(): number {
    return this.#unreadable
  }

  get texts(): TextCheck {
    return this.#checks.texts
  }

  /** Rows that were not looked at for near duplicates. */
  get notCompared(): number {
    return this.#checks.notCompared
  }

  noteUnreadable(rows: readonly UnreadableRow[]): void {
    this.#unreadable += rows.length
    const books = { row: this.#errors, skipped: this.#skipped, file: this.#files }
    for (const { kind, code, origin, what } of rows) books[kind].note(code, origin, what)
  }

  async add(chunk: Dataset, part: Part): Promise<void> {
    if (chunk.length === 0) return
    this.#recognition ??= chunk.recognition
    chunk.rows.forEach((row, at) => {
      const origin = chunk.origins[at] ?? ''
      this.#rows[part]++
      const index = this.#checks.add(row, part, origin)
      this.#labels.add(row, part, this.#checks.origins, index)
      if (part === 'train') this.#hosted.add(row, origin)
    })
    await this.#measure(chunk, part)
  }

  finish(): { readonly labels: LabelSummary; readonly findings: readonly Finding[] } {
    const { labels: names, problemType } = this.settings
    const labels = this.#labels.summary({ names, problemType, weighed: false })
    const encoding = [...this.#encoding].map(([code, { what, origins }]): DataFinding => {
      return { code, message: what, origins }
    })
    return {
      labels,
      findings: [
        ...this.#errors.findings(),
        ...this.#files.findings(),
        ...this.#skipped.findings(),
        ...this.lengths.findings(),
        ...labels.findings,
        ...findingsOf(encoding),
        ...this.#checks.findings(),
        ...this.#hosted.findings(),
      ],
    }
  }

  async #measure(chunk: Dataset, part: Part): Promise<void> {
    const { tokenizer, task, labels, lossOn, maxLength, truncation, stride, signal } = this.settings
    const originOf = (row: number): string => chunk.origins[row] ?? ''
    if (tokenizer === undefined) {
      if (part === 'validation') return
      chunk.rows.forEach((row, at) => {
        const characters = textsOf(row).reduce((sum, text) => sum + text.length, 0)
        this.lengths.addCharacters(characters, originOf(at))
      })
      return
    }
    const measured = await measureRows(chunk, {
      task,
      tokenizer,
      labels,
      lossOn,
      maxLength,
      truncation,
      stride,
      signal,
    })
    for (const { row, error } of measured.errors) this.#errors.noteError(error, originOf(row))
    for (const { code, message, origins } of measured.findings) {
      const known = this.#encoding.get(code) ?? { what: message.split(': ')[0] ?? message, origins: [] }
      this.#encoding.set(code, known)
      known.origins.push(...origins)
    }
    if (part === 'validation') return
    for (const example of measured.examples) this.lengths.add(example, originOf(example.row))
  }
}
