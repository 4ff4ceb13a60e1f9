import { findingAbout, type DataFinding, type TaskExample } from './encoded-task.js'
import { continuesRow, type PlaceInRow } from './example.js'
import type { ProblemType } from '../task.js'

/** An array, or any other list that says its length. */
export interface LabelledRows extends Iterable<LabelledRow> {
  readonly length: number
}

interface LabelledRow extends PlaceInRow {
  readonly labels: TaskExample['labels']
}

/** Encoded rows with classes: sequence classification (not regression) or token classification. */
export interface LabelledData {
  readonly examples: LabelledRows
  readonly labels: readonly string[]
  readonly problemType?: ProblemType | undefined
}

/** How often each class occurs: rows that have it, for token classification tokens. For class weights and baselines. */
export function labelCounts(data: LabelledData): number[] {
  const counts = new Array<number>(data.labels.length).fill(0)
  for (const example of data.examples) {
    for (const index of classesOf(example, data)) counts[index] = (counts[index] ?? 0) + 1
  }
  return counts
}

export interface LabelFindingOptions {
  /** A class with fewer training rows is reported. Default: 5. */
  readonly fewRows?: number | undefined
}

/** A class, and the rows that have it. */
export interface ClassRows {
  readonly name: string
  readonly rows: number
  /** Where the first of them came from. */
  readonly origins: readonly string[]
  /** Undefined where nothing is validated. */
  readonly validationRows: number | undefined
  /** Where the first of those came from. */
  readonly validationOrigins: readonly string[]
}

/**
 * What is doubtful about the classes of some data: ones that training or validation lacks, ones with very few rows.
 * Nothing for regression and for tasks without labels.
 */
export function labelFindings(
  train: LabelledData,
  validation?: LabelledData,
  options: LabelFindingOptions = {},
): DataFinding[] {
  return classFindings(classRows(train, validation), options)
}

/** `labelFindings` of classes whose rows were counted otherwise. */
export function classFindings(classes: readonly ClassRows[], { fewRows = 5 }: LabelFindingOptions = {}): DataFinding[] {
  return classes.flatMap(({ name, rows, origins, ...held }): DataFinding[] => {
    const { validationRows, validationOrigins } = held
    const absent = (code: DataFinding['code'], where: string): DataFinding => ({
      code,
      message: `no ${where} row has label '${name}'`,
      origins: rows === 0 ? validationOrigins : [],
    })
    return [
      ...(rows === 0 ? [absent('class-absent-from-training', 'training')] : []),
      ...(rows > 0 && rows < fewRows
        ? findingAbout(
            'class-with-few-rows',
            origins,
            `label '${name}' has only ${rows} training ${rows === 1 ? 'row' : 'rows'}`,
          )
        : []),
      ...(validationRows === 0 ? [absent('class-absent-from-validation', 'validation')] : []),
    ]
  })
}

/** The classes of training rows, and how often they are validated. None for regression and tasks without labels. */
export function classRows(train: LabelledData, validation: LabelledData | undefined): ClassRows[] {
  if (train.labels.length === 0 || train.problemType === 'regression') return []
  const trained = rowsByClass(train)
  const validated = validation === undefined ? undefined : rowsByClass(validation)
  return train.labels.map((name, index) => {
    const { rows = 0, origins = [] } = trained[index] ?? {}
    const held = validated?.[index]
    return { name, rows, origins, validationRows: held?.rows, validationOrigins: held?.origins ?? [] }
  })
}

/** How many rows the examples are of: several may be windows of one. */
export function countRows(examples: Iterable<PlaceInRow>): number {
  let count = 0
  let before: PlaceInRow | undefined
  for (const example of examples) {
    if (!continuesRow(before, example)) count++
    before = example
  }
  return count
}

const originsKept = 10

/** How many rows have each class, and the first of them; each row once, in however many windows. */
function rowsByClass(data: LabelledData): { readonly rows: number; readonly origins: readonly string[] }[] {
  const classes = data.labels.map(() => ({ rows: 0, origins: [] as string[] }))
  let at = 0
  let before: LabelledRow | undefined
  let seen = new Set<number>()
  for (const example of data.examples) {
    if (!continuesRow(before, example)) seen = new Set()
    before = example
    for (const index of new Set(classesOf(example, data))) {
      const one = classes[index]
      if (one === undefined || seen.has(index)) continue
      seen.add(index)
      one.rows++
      if (one.origins.length < originsKept) one.origins.push(example.origin ?? `row ${at}`)
    }
    at++
  }
  return classes
}

/** The classes of an example; for token classification one per labelled token. */
function classesOf({ labels }: LabelledRow, { problemType }: LabelledData): number[] {
  if (typeof labels === 'number') return [labels]
  const list = Array.from(labels)
  if (problemType === 'multi_label_classification') return list.flatMap((on, index) => (on === 1 ? [index] : []))
  return list.filter((label) => label >= 0)
}
