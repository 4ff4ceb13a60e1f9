import { findingAbout, type DataFinding, type TaskExample } from './encoded-task.js'
import type { ProblemType } from '../task.js'

/** An array, or any other list that says its length. */
export interface LabelledRows extends Iterable<LabelledRow> {
  readonly length: number
}

interface LabelledRow {
  readonly labels: TaskExample['labels']
  readonly origin?: string | undefined
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

/**
 * What is doubtful about the classes of some data: ones that training or validation lacks, ones with very few rows.
 * Nothing for regression and for tasks without labels.
 */
export function labelFindings(
  train: LabelledData,
  validation?: LabelledData,
  { fewRows = 5 }: LabelFindingOptions = {},
): DataFinding[] {
  if (train.labels.length === 0 || train.problemType === 'regression') return []
  const trained = originsByClass(train)
  const validated = validation === undefined ? undefined : originsByClass(validation)
  return train.labels.flatMap((name, index): DataFinding[] => {
    const rows = trained[index] ?? []
    const checks = validated?.[index] ?? []
    const absent = (code: DataFinding['code'], where: string): DataFinding => ({
      code,
      message: `no ${where} row has label '${name}'`,
      origins: [],
    })
    return [
      ...(rows.length === 0 ? [absent('class-absent-from-training', 'training')] : []),
      ...(rows.length > 0 && rows.length < fewRows
        ? findingAbout('class-with-few-rows', rows, `label '${name}' has only ${rows.length} training rows`)
        : []),
      ...(validated !== undefined && checks.length === 0 ? [absent('class-absent-from-validation', 'validation')] : []),
    ]
  })
}

/** The rows in which each class occurs, each row once. */
function originsByClass(data: LabelledData): string[][] {
  const origins = data.labels.map((): string[] => [])
  let at = 0
  for (const example of data.examples) {
    for (const index of new Set(classesOf(example, data))) origins[index]?.push(example.origin ?? `row ${at}`)
    at++
  }
  return origins
}

/** The classes of an example; for token classification one per labelled token. */
function classesOf({ labels }: LabelledRow, { problemType }: LabelledData): number[] {
  if (typeof labels === 'number') return [labels]
  const list = Array.from(labels)
  if (problemType === 'multi_label_classification') return list.flatMap((on, index) => (on === 1 ? [index] : []))
  return list.filter((label) => label >= 0)
}
