import { Dataset } from '../data/dataset.js'
import { RowProblems } from '../data/row-problems.js'
import { RowReader } from '../data/row-reader.js'
import { deidentifier, type DeidentifiedText } from './deidentify.js'
import type { DeidentifyOptions } from './deidentify-options.js'
import { deidentifyRow } from './deidentify-row.js'
import { mapStrings } from './row-texts.js'

export interface DeidentifyDatasetOptions extends DeidentifyOptions {
  /** Fields beside those of the shape (`dataset.fieldsOf`) that stay as they are, such as a date to split by. Default: none. */
  readonly leaveFields?: readonly string[] | undefined
  /** What becomes of a row whose answer would be lost: 'skip' leaves it out and lists it in the report. Default: 'error'. */
  readonly onRefused?: 'error' | 'skip' | undefined
}

export interface DeidentifyReport {
  readonly rows: number
  readonly changedRows: number
  readonly counts: Readonly<Record<string, number>>
  /** Rows in which something was found. */
  readonly byRow: readonly { readonly origin: string; readonly counts: Readonly<Record<string, number>> }[]
  /** Rows that were left out, and why. */
  readonly refused: readonly { readonly origin: string; readonly what: string }[]
}

/**
 * De-identifies all texts of all rows, the fields beside them too. Labels stay.
 * @throws AttuneError 'invalid-option'; 'invalid-dataset' naming question-answering rows whose answer is a part of what is replaced
 */
export function deidentifyDataset(
  dataset: Dataset,
  { leaveFields = [], onRefused = 'error', ...options }: DeidentifyDatasetOptions = {},
): { readonly dataset: Dataset; readonly report: DeidentifyReport } {
  const find = deidentifier(options)
  const reader = new RowReader({ shape: dataset.shape })
  const problems = new RowProblems()
  const total: Record<string, number> = {}
  const byRow: { origin: string; counts: Record<string, number> }[] = []
  const refused: { origin: string; what: string }[] = []
  dataset.rows.forEach((row, index) => {
    const origin = dataset.origins[index] ?? ''
    const counts: Record<string, number> = {}
    const run = (text: string): DeidentifiedText => {
      const result = find(text)
      add(counts, result.counts)
      return result
    }
    find.nextRow()
    const changed = deidentifyRow(row, run)
    if ('problem' in changed) {
      refused.push({ origin, what: changed.problem })
      problems.note('invalid-dataset', origin, `${changed.problem}; leave the row out (onRefused: 'skip') or change it`)
      return
    }
    const beside = Object.entries(dataset.fieldsOf(index)).map(([key, value]): [string, unknown] => [
      key,
      leaveFields.includes(key) ? value : mapStrings(value, (text) => run(text).text),
    ])
    reader.addRow(changed, origin, Object.fromEntries(beside))
    add(total, counts)
    if (Object.keys(counts).length > 0) byRow.push({ origin, counts })
  })
  if (onRefused === 'error') problems.throwIfAny()
  return {
    dataset: Dataset.fromReader(reader),
    report: { rows: dataset.length, changedRows: byRow.length, counts: total, byRow, refused },
  }
}

function add(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [kind, count] of Object.entries(more)) counts[kind] = (counts[kind] ?? 0) + count
}
