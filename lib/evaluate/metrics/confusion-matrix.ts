import { AttuneError } from '../../errors.js'
import { derived, measure, requireRows, type Metric } from './metric.js'

/** A class: its id or its name. */
export type ClassLabel = number | string

export interface ConfusionMatrix<Label extends ClassLabel = ClassLabel> {
  /** In ascending order, or as given. */
  readonly classes: readonly Label[]
  /** `counts[i][j]`: rows of class `classes[i]` predicted as `classes[j]`. */
  readonly counts: readonly (readonly number[])[]
}

export interface ClassOptions {
  /** All classes, also those that no row has. @default those seen as a label or a prediction, in ascending order */
  readonly classes?: readonly ClassLabel[] | undefined
}

export type ClassRow = [label: ClassLabel, prediction: ClassLabel]

/** @throws AttuneError 'invalid-option' for classes named twice; `add` throws 'invalid-dataset' for a class not among them */
export function confusionMatrixMetric({ classes: given }: ClassOptions = {}): Metric<ClassRow, ConfusionMatrix> {
  const seen = new Map<ClassLabel, number>()
  const counts: number[][] = []
  let rows = 0
  for (const label of given ?? []) {
    if (seen.has(label)) {
      throw new AttuneError('invalid-option', `options.classes names ${String(label)} twice`, {
        where: 'options.classes',
      })
    }
    indexOf(label, true)
  }

  return {
    add(label, prediction) {
      const row = indexOf(label)
      const column = indexOf(prediction)
      const line = (counts[row] ??= [])
      line[column] = (line[column] ?? 0) + 1
      rows++
    },
    value() {
      requireRows(rows, 'the confusion matrix')
      const classes = given ?? [...seen.keys()].sort(ascending)
      const indices = classes.map((label) => seen.get(label) ?? -1)
      return { classes, counts: indices.map((i) => indices.map((j) => counts[i]?.[j] ?? 0)) }
    },
  }

  function indexOf(label: ClassLabel, isNew = given === undefined): number {
    const known = seen.get(label)
    if (known !== undefined) return known
    if (!isNew) {
      const message = `${JSON.stringify(label)} is none of the classes: ${(given ?? []).join(', ')}`
      throw new AttuneError('invalid-dataset', message, { where: 'options.classes' })
    }
    seen.set(label, seen.size)
    return seen.size - 1
  }
}

function ascending(a: ClassLabel, b: ClassLabel): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : 1
}

/** How often each class was predicted as each. @throws AttuneError 'empty-dataset' */
export function confusionMatrix(
  labels: ArrayLike<ClassLabel>,
  predictions: ArrayLike<ClassLabel>,
  options?: ClassOptions,
): ConfusionMatrix {
  return measure(confusionMatrixMetric(options), labels, predictions)
}

/** A metric that the confusion matrix tells all of. */
export function fromConfusionMatrix<Value>(
  compute: (matrix: ConfusionMatrix) => Value,
  options?: ClassOptions,
): Metric<ClassRow, Value> {
  return derived(confusionMatrixMetric(options), compute)
}

export interface Margins {
  /** Rows on the diagonal, by class. */
  readonly correct: readonly number[]
  /** Rows that have the class, by class. */
  readonly actual: readonly number[]
  /** Rows predicted as the class, by class. */
  readonly predicted: readonly number[]
  readonly rows: number
}

export function margins({ counts }: ConfusionMatrix): Margins {
  const actual = counts.map(sum)
  return {
    correct: counts.map((line, i) => line[i] ?? 0),
    actual,
    predicted: counts.map((_, i) => sum(counts.map((line) => line[i] ?? 0))),
    rows: sum(actual),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
