import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { encodeTexts, tokenTypes, type TextOptions } from './encode-texts.js'
import type { EncodedTask, TaskExample } from './encoded-task.js'
import { collectLabels } from './labels.js'
import { RowProblems } from './row-problems.js'
import type { Label, TextLabelRow, TextLabelsRow } from './rows.js'
import { labelTargets } from './label-targets.js'
import type { ProblemType } from '../task.js'
import { requireShape } from './task.js'

export interface SequenceClassificationOptions extends TextOptions {
  /** Names of the model's labels, by index. Default: those of the data, sorted. */
  readonly labels?: readonly string[] | undefined
  /** How many outputs the head has; has to fit the labels. Default: as many as there are labels. */
  readonly numLabels?: number | undefined
  /**
   * What the labels mean. Default: 'multi_label_classification' where rows have `labels`, 'regression' where a label is
   * no whole number, else 'single_label_classification'.
   */
  readonly problemType?: ProblemType | undefined
}

/**
 * Texts (or pairs of texts) and their classes, or the numbers to predict.
 * @throws AttuneError 'unknown-label', 'mixed-label-types', 'label-count-mismatch', 'invalid-dataset' (rows of another
 * shape or problem type), 'sequence-too-long', each naming the rows, up to ten in one error
 */
export async function encodeSequenceClassification(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: SequenceClassificationOptions = {},
): Promise<EncodedTask> {
  requireShape(dataset, 'sequence-classification', ['text-label', 'text-labels'])
  const rows = dataset.rows as readonly (TextLabelRow | TextLabelsRow)[]
  const given = rows.map((row, index) => ({ labels: labelsOf(row), origin: dataset.origins[index] ?? '' }))
  const several = dataset.shape === 'text-labels'
  const problemType = options.problemType ?? usualType(several, given)
  requirePairs(dataset, rows)
  const { names, targets } = labelTargets(given, problemType, several, options)

  const examples: TaskExample[] = []
  let tokens = 0
  const counts = await encodeTexts<TextLabelRow | TextLabelsRow>(
    dataset,
    tokenizer,
    ({ text, text_pair: pair }) => (pair === undefined ? text : [text, pair]),
    options,
    (text, row) => {
      tokens += text.ids.length
      const origin = dataset.origins[row] ?? ''
      examples.push({ inputIds: text.ids, labels: targets[row] ?? 0, ...tokenTypes(text), row, origin })
    },
  )
  return { examples, labels: names, problemType, tokens, targets: examples.length, ...counts, findings: [] }
}

/** The label names of a dataset of classes, for a new head. Sorted, whatever the order of the rows. */
export function labelsOfDataset(dataset: Dataset): string[] {
  return collectLabels(
    dataset.rows.map((row, index) => ({
      labels: 'tags' in row ? row.tags : 'text' in row && ('label' in row || 'labels' in row) ? labelsOf(row) : [],
      origin: dataset.origins[index] ?? '',
    })),
  )
}

function labelsOf(row: TextLabelRow | TextLabelsRow): readonly Label[] {
  return 'label' in row ? [row.label] : row.labels
}

function usualType(several: boolean, given: readonly { readonly labels: readonly Label[] }[]): ProblemType {
  const fraction = given.some(({ labels }) =>
    labels.some((label) => typeof label === 'number' && !Number.isInteger(label)),
  )
  if (fraction) return 'regression'
  return several ? 'multi_label_classification' : 'single_label_classification'
}

function requirePairs(dataset: Dataset, rows: readonly (TextLabelRow | TextLabelsRow)[]): void {
  const paired = rows[0]?.text_pair !== undefined
  const problems = new RowProblems()
  rows.forEach(({ text_pair: pair }, index) => {
    if ((pair !== undefined) === paired) return
    const what = paired ? 'has one text, not a pair as' : 'has a pair of texts, not one as'
    problems.note('invalid-dataset', dataset.origins[index] ?? '', `${what} ${dataset.origins[0] ?? 'the first row'}`)
  })
  problems.throwIfAny()
}
