import type { Label } from './rows.js'
import type { RowProblems } from './row-problems.js'
import { suggestion } from '../nearest.js'

/** The labels of one row and where it stands. */
export interface RowLabels {
  readonly labels: readonly Label[]
  readonly origin: string
}

/**
 * The names of all labels in the rows, sorted: by value where they are whole numbers, else by code units. Does not
 * depend on the order of the rows.
 */
export function collectLabels(rows: Iterable<RowLabels>): string[] {
  const seen = new Set<Label>()
  for (const { labels } of rows) for (const label of labels) seen.add(label)
  const list = [...seen]
  if (list.every((label) => typeof label === 'number')) return list.sort((a, b) => a - b).map(String)
  return list.map(String).sort()
}

/**
 * Finds a label's index. Numbers are indices, unless all names are whole numbers themselves ('1' to '5' of a rating):
 * then they are names.
 */
export function labelIndexer(names: readonly string[]): (label: Label) => number | undefined {
  const byName = new Map(names.map((name, index) => [name, index]))
  const numeric = names.every((name) => /^-?\d+$/.test(name))
  return (label) => {
    if (typeof label === 'string' || numeric) return byName.get(String(label))
    return Number.isInteger(label) && label >= 0 && label < names.length ? label : undefined
  }
}

/** Notes a label that the model does not have. */
export function noteUnknown(problems: RowProblems, origin: string, label: Label, names: readonly string[]): void {
  const shown = names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '')
  const asked = typeof label === 'string' ? `'${label}'` : String(label)
  const hint = typeof label === 'string' ? suggestion(label, names) : ''
  problems.note('unknown-label', origin, `label ${asked} is none of the model's ${names.length} (${shown}).${hint}`)
}

/** Notes rows whose labels are of another type than the first label: names here and numbers there. */
export function noteMixedTypes(problems: RowProblems, rows: Iterable<RowLabels>): void {
  let first: { readonly type: string; readonly label: Label; readonly origin: string } | undefined
  for (const { labels, origin } of rows) {
    for (const label of labels) {
      first ??= { type: typeof label, label, origin }
      if (typeof label === first.type) continue
      const what = `label ${show(label)} is a ${typeof label}, but ${show(first.label)} in ${first.origin} is a ${first.type}`
      problems.note('mixed-label-types', origin, `${what}: use names or numbers throughout`)
      break
    }
  }
}

function show(label: Label): string {
  return typeof label === 'string' ? `'${label}'` : String(label)
}
