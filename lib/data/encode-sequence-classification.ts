import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { checkedMaxLength, encodeTexts, partOf, tokenTypes, uncut, type WindowedTextOptions } from './encode-texts.js'
import type { EncodedTask, TaskExample } from './encoded-task.js'
import { collectLabels } from './labels.js'
import { ignoredLabel } from './row-encoders.js'
import { RowProblems } from './row-problems.js'
import type { Label, TextLabelRow, TextLabelsRow } from './rows.js'
import { labelTargets } from './label-targets.js'
import type { ProblemType } from '../task.js'
import { requireShape } from './task.js'
import { windowsOfPair, windowsOfText } from './token-windows.js'
import { checkedStride } from './windows.js'

export interface SequenceClassificationOptions extends WindowedTextOptions {
  /** Of 'window' only: tokens that neighbouring windows share. Default: 0. */
  readonly stride?: number | undefined
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
 * Texts (or pairs of texts) and their classes, or the numbers to predict. With truncation 'window' a text too long becomes several
 * examples, each with the row's labels; of a pair the second text is cut, and the first stands in each window.
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

  const { truncation } = options
  const maxLength = checkedMaxLength(options.maxLength)
  const stride = checkedStride(options, 0)
  const problems = new RowProblems()
  const examples: TaskExample[] = []
  let [tokens, windows, labelled] = [0, 0, 0]
  const counts = await encodeTexts<TextLabelRow | TextLabelsRow>(
    dataset,
    tokenizer,
    ({ text, text_pair: pair }) => (pair === undefined ? text : [text, pair]),
    uncut(options),
    (text, row, { text_pair: pair }) => {
      const origin = dataset.origins[row] ?? ''
      const example = { labels: targets[row] ?? 0, row, origin }
      labelled++
      if (truncation !== 'window' || text.ids.length <= maxLength) {
        tokens += text.ids.length
        examples.push({ inputIds: text.ids, ...example, ...tokenTypes(text) })
        return
      }
      const found = (pair === undefined ? windowsOfText : windowsOfPair)(text.encoded, { maxLength, stride })
      if (typeof found === 'string') {
        problems.note('sequence-too-long', origin, found)
        return
      }
      windows += found.length - 1
      found.forEach((kept, window) => {
        const part = partOf(text, kept)
        tokens += part.ids.length
        examples.push({ inputIds: part.ids, ...example, ...tokenTypes(part), window })
      })
    },
  )
  problems.throwIfAny()
  return { examples, labels: names, problemType, tokens, targets: labelled, ...counts, windows, findings: [] }
}

/** The label names of datasets of classes, for a new head. Sorted, whatever the order of the rows. */
export function labelsOfDataset(...datasets: readonly Dataset[]): string[] {
  return collectLabels(
    datasets.flatMap(({ rows, origins }) =>
      rows.map((row, index) => ({
        labels:
          'tags' in row
            ? row.tags.filter((tag) => tag !== ignoredLabel)
            : 'text' in row && ('label' in row || 'labels' in row)
              ? labelsOf(row)
              : [],
        origin: origins[index] ?? '',
      })),
    ),
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
