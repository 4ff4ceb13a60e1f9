import type { Dataset } from '../data/dataset.js'
import { countedThat } from './counted.js'
import type { Finding } from './finding.js'
import { Places } from './places.js'

export interface FieldCount {
  readonly name: string
  readonly rows: number
}

/** Which fields rows have beside those that are read, and whether all files have the same. */
export class FieldCheck {
  readonly #ignored = new Map<string, number>()
  readonly #files = new Map<string, Map<string, number>>()
  readonly #rowsOf = new Map<string, number>()

  addRows(file: string, rows: Dataset): void {
    rows.rows.forEach((row, at) => {
      const ignored = Object.keys(rows.fieldsOf(at))
      this.#add(file, [...Object.keys(row), ...ignored], ignored)
    })
  }

  #add(file: string, names: readonly string[], ignored: readonly string[]): void {
    for (const name of ignored) this.#ignored.set(name, (this.#ignored.get(name) ?? 0) + 1)
    this.#rowsOf.set(file, (this.#rowsOf.get(file) ?? 0) + 1)
    const fields = this.#files.get(file) ?? new Map<string, number>()
    this.#files.set(file, fields)
    for (const name of names) fields.set(name, (fields.get(name) ?? 0) + 1)
  }

  /** The most frequent first. */
  get ignored(): FieldCount[] {
    return [...this.#ignored].map(([name, rows]) => ({ name, rows })).sort((a, b) => b.rows - a.rows)
  }

  findings(): Finding[] {
    return [...this.#ignoredFinding(), ...this.#filesFinding()]
  }

  #ignoredFinding(): Finding[] {
    const { ignored } = this
    if (ignored.length === 0) return []
    const names = ignored.slice(0, 10).map(({ name }) => `'${name}'`)
    const more = ignored.length > names.length ? ` and ${ignored.length - names.length} more` : ''
    return [
      {
        code: 'ignored-fields',
        severity: 'note',
        message: countedThat(ignored.length, 'field', `are not read: ${names.join(', ')}${more}.`),
        advice: 'Name a field that should be read with the option fields, as { "text": "sentence" }.',
        where: [],
        count: ignored.length,
      },
    ]
  }

  /** A field that every row of one file has, and no row of another. */
  #filesFinding(): Finding[] {
    if (this.#files.size < 2) return []
    const places = new Places()
    const names = new Set([...this.#files.values()].flatMap((fields) => [...fields.keys()]))
    for (const [file, fields] of this.#files) {
      const missing = [...names].filter((name) => !fields.has(name) && this.#isUsual(name))
      if (missing.length > 0) places.note(file, `has no field ${missing.join(', ')}`)
    }
    if (places.count === 0) return []
    return [
      {
        code: 'inconsistent-fields',
        severity: 'warning',
        message: countedThat(places.count, 'file', 'have other columns than the rest.'),
        advice: 'See whether these files belong to the data.',
        where: places.where,
        count: places.count,
      },
    ]
  }

  #isUsual(name: string): boolean {
    return [...this.#files].some(([file, fields]) => fields.get(name) === this.#rowsOf.get(file))
  }
}
