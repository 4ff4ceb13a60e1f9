import { AttuneError, type RowProblem } from '../errors.js'
import { suggestion } from '../nearest.js'

/** Holds the columns of a dataset's files against each other and against those that the options name. */
export class ColumnsSeen {
  /** Where files differ. */
  readonly notes: RowProblem[] = []
  readonly #wanted: Readonly<Record<string, string>>
  #first: { readonly columns: readonly string[]; readonly file: string } | undefined

  /** `wanted`: the option `fields`. */
  constructor(wanted: Readonly<Record<string, string>> = {}) {
    this.#wanted = wanted
  }

  /** @throws AttuneError 'invalid-dataset' where a column is missing that the options name */
  see(columns: readonly string[], file: string): void {
    for (const [field, name] of Object.entries(this.#wanted)) {
      if (columns.includes(name)) continue
      const there = `the columns are ${columns.join(', ')}.${suggestion(name, columns)}`
      const what = `${file}: there is no column '${name}', which options.fields.${field} names; ${there}`
      throw new AttuneError('invalid-dataset', what, { where: file })
    }
    const first = (this.#first ??= { columns, file })
    const missing = first.columns.filter((name) => !columns.includes(name))
    const added = columns.filter((name) => !first.columns.includes(name))
    if (missing.length === 0 && added.length === 0) return
    const differences = [
      ...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []),
      ...(added.length > 0 ? [`has ${added.join(', ')} besides`] : []),
    ]
    this.notes.push({ origin: file, what: `has other columns than ${first.file}: it ${differences.join(' and ')}` })
  }
}
