import { AttuneError } from '../errors.js'
import { collectLabels, labelIndexer, noteMixedTypes, noteUnknown, type RowLabels } from './labels.js'
import { RowProblems } from './row-problems.js'
import type { ProblemType } from '../task.js'

export interface LabelTargets {
  /** Names by index; for regression those given. */
  readonly names: readonly string[]
  /** One per row: a class; a list of 0 and 1, one per class; a number or numbers to predict. */
  readonly targets: readonly (number | readonly number[])[]
}

export interface LabelTargetOptions {
  readonly labels?: readonly string[] | undefined
  readonly numLabels?: number | undefined
}

/**
 * What a head is to predict for each row.
 * @throws AttuneError 'invalid-dataset', 'unknown-label', 'mixed-label-types', 'label-count-mismatch'
 */
export function labelTargets(
  rows: readonly RowLabels[],
  problemType: ProblemType,
  several: boolean,
  options: LabelTargetOptions,
): LabelTargets {
  requireOutputs(options)
  if (problemType === 'regression') return numbers(rows, several, options)
  if (several && problemType === 'single_label_classification') throw notSingle(rows)
  requireClasses(rows)
  const vectors = several && areVectors(rows, options)
  const names = options.labels ?? (vectors ? countedNames(rows, options) : collectedNames(rows, options))
  if (vectors) return { names, targets: vectorTargets(rows, names.length) }
  const problems = new RowProblems()
  const indexOf = labelIndexer(names)
  const targets = rows.map(({ labels, origin }) => {
    const unknown = labels.find((label) => indexOf(label) === undefined)
    if (unknown !== undefined) noteUnknown(problems, origin, unknown, names)
    const indices = labels.map((label) => indexOf(label) ?? 0)
    if (problemType === 'single_label_classification') return indices[0] ?? 0
    const twice = labels.find((label, at) => labels.indexOf(label) !== at)
    if (twice !== undefined) problems.note('invalid-dataset', origin, `label ${twice} stands twice in labels`)
    const held = new Set(indices)
    return names.map((_, index) => (held.has(index) ? 1 : 0))
  })
  problems.throwIfAny()
  return { names, targets }
}

/**
 * Whether lists hold a 0 or 1 per class, not indices. [0, 1] can mean either: it is a vector where the model has two
 * labels, or where that is not known. Longer lists would name an index twice.
 */
function areVectors(rows: readonly RowLabels[], { labels, numLabels }: LabelTargetOptions): boolean {
  if (!rows.every((row) => row.labels.every((label) => label === 0 || label === 1))) return false
  const length = labels?.length ?? numLabels ?? 2
  return rows.some((row) => row.labels.length > 2) || rows.every((row) => row.labels.length === length)
}

function vectorTargets(rows: readonly RowLabels[], count: number): (readonly number[])[] {
  const problems = new RowProblems()
  const targets = rows.map(({ labels, origin }) => {
    if (labels.length !== count) {
      const what = `labels has ${labels.length} entries of 0 and 1, expected ${count}, one per label`
      problems.note('label-count-mismatch', origin, what)
    }
    return labels.map(Number)
  })
  problems.throwIfAny()
  return targets
}

function countedNames(rows: readonly RowLabels[], { numLabels }: LabelTargetOptions): string[] {
  return Array.from({ length: numLabels ?? rows[0]?.labels.length ?? 0 }, (_, index) => String(index))
}

function collectedNames(rows: readonly RowLabels[], { numLabels }: LabelTargetOptions): string[] {
  const names = collectLabels(rows)
  const indices = names.every((name) => /^\d+$/.test(name))
  if (numLabels === undefined || names.length === numLabels) return names
  // Indices of a head whose labels have no names: some of them need not occur.
  if (indices && names.every((name) => Number(name) < numLabels)) return countedNames(rows, { numLabels })
  const shown = names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '')
  const message = `the data has ${names.length} labels (${shown}), the model's head has ${numLabels}: load the model with the data's labels, or name its labels`
  throw new AttuneError('label-count-mismatch', message, { where: rows[0]?.origin ?? 'dataset' })
}

function numbers(rows: readonly RowLabels[], several: boolean, options: LabelTargetOptions): LabelTargets {
  const count = options.numLabels ?? options.labels?.length ?? rows[0]?.labels.length ?? 1
  const problems = new RowProblems()
  const targets = rows.map(({ labels, origin }) => {
    const name = labels.find((label) => typeof label !== 'number')
    if (name !== undefined) {
      problems.note('invalid-dataset', origin, `label '${name}' is a name; regression predicts numbers`)
    } else if (labels.length !== count) {
      const what = `has ${labels.length} numbers to predict, the model's head has ${count}`
      problems.note('label-count-mismatch', origin, what)
    }
    return several && count > 1 ? labels.map(Number) : Number(labels[0])
  })
  problems.throwIfAny()
  return { names: options.labels ?? [], targets }
}

function requireClasses(rows: readonly RowLabels[]): void {
  const problems = new RowProblems()
  noteMixedTypes(problems, rows)
  for (const { labels, origin } of rows) {
    const fraction = labels.find((label) => typeof label === 'number' && !Number.isInteger(label))
    if (fraction === undefined) continue
    problems.note(
      'invalid-dataset',
      origin,
      `label ${fraction} is no class; to predict numbers, use problem type 'regression'`,
    )
  }
  problems.throwIfAny()
}

function requireOutputs({ labels, numLabels }: LabelTargetOptions): void {
  if (labels === undefined || numLabels === undefined || labels.length === numLabels) return
  const message = `${labels.length} labels are named (options.labels), but the model's head has ${numLabels} outputs`
  throw new AttuneError('label-count-mismatch', message, { where: 'options.labels' })
}

function notSingle(rows: readonly RowLabels[]): AttuneError {
  const where = rows[0]?.origin ?? 'dataset'
  const message = `${where}: rows with labels (a list) are for problem type 'multi_label_classification', the model has 'single_label_classification': give each row one label, or load the model for many labels`
  return new AttuneError('invalid-dataset', message, { where })
}
