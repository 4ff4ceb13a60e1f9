import type { Dataset } from '../data/dataset.js'
import { addedTokensOf, countTargets, rowWindows } from '../data/causal-windows.js'
import { encodeForTask, type TaskOptions } from '../data/encode-for-task.js'
import { encodeTexts } from '../data/encode-texts.js'
import type { TokenClassificationExample } from '../data/encode-token-classification.js'
import type { DataFinding, EmbeddingExample, TaskExample } from '../data/encoded-task.js'
import { causalShapes, ignoredLabel, type EncodedRow, type LossOn } from '../data/row-encoders.js'
import type { DatasetRow, TextLabelRow } from '../data/rows.js'
import { requireShape } from '../data/task.js'
import { windowsOfPair, windowsOfText } from '../data/token-windows.js'
import { usualStrideOf } from '../data/windows.js'
import { AttuneError } from '../errors.js'
import type { Task } from '../task.js'
import type { EncodedText, Tokenizer } from '../tokenizer/tokenizer.js'
import { textsOf } from './row-texts.js'

/** An example as long as it is before anything is cut off. */
export interface MeasuredExample {
  /** Index of its row in the dataset. */
  readonly row: number
  /** Tokens of each text that the model reads or writes by itself: one, but of pairs and translations. */
  readonly lengths: readonly number[]
  /** Labels of a causal model; what truncation leaves of them is counted. */
  readonly labels: Int32Array | undefined
  /** What has a label: tokens, or the row. */
  readonly trained: number
  /** Tokens that the tokenizer has no piece for. */
  readonly unknown: number
  /** Where long texts are read in windows: how many a text too long becomes. */
  readonly windows?: number
}

export interface MeasuredRows {
  readonly examples: readonly MeasuredExample[]
  /** What training would throw, row by row. */
  readonly errors: readonly { readonly row: number; readonly error: AttuneError }[]
  readonly findings: readonly DataFinding[]
}

export interface MeasureOptions {
  /** Undefined: no task takes such rows, their texts are counted. */
  readonly task: Task | undefined
  readonly tokenizer: Tokenizer
  /** The model's names, of a tagger. */
  readonly labels?: readonly string[] | undefined
  readonly lossOn?: LossOn | undefined
  /** Of windows. */
  readonly maxLength?: number | undefined
  readonly truncation?: string | undefined
  readonly stride?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Encodes rows as training does. Where that throws, row by row, so that each one's error is known. */
export async function measureRows(dataset: Dataset, options: MeasureOptions): Promise<MeasuredRows> {
  try {
    return { ...(await encoded(dataset, options)), errors: [] }
  } catch (error) {
    if (!isAboutRows(error)) throw error
  }
  const examples: MeasuredExample[] = []
  const errors: MeasuredRows['errors'][number][] = []
  const findings: DataFinding[] = []
  for (let row = 0; row < dataset.length; row++) {
    try {
      const alone = await encoded(dataset.slice(row, row + 1), options)
      examples.push(...alone.examples.map((example) => ({ ...example, row })))
      findings.push(...alone.findings)
    } catch (error) {
      if (!isAboutRows(error)) throw error
      errors.push({ row, error })
    }
  }
  return { examples, errors, findings }
}

/** Other errors are about options or the tokenizer: no row could mend them. */
function isAboutRows(error: unknown): error is AttuneError {
  if (!(error instanceof AttuneError)) return false
  return error.code !== 'invalid-option' && error.code !== 'invalid-tokenizer' && error.code !== 'aborted'
}

type Encoded = Omit<MeasuredRows, 'errors'>

async function encoded(dataset: Dataset, options: MeasureOptions): Promise<Encoded> {
  const { task, tokenizer, signal } = options
  if (task === undefined || task === 'sequence-classification') return textLengths(dataset, options)
  const { examples, findings } = await encodeForTask<Task>(task, dataset, tokenizer, taskOptions(task, options, signal))
  const list: Iterable<TaskExample | EmbeddingExample> = examples
  const { unkTokenId } = tokenizer
  const windowsOfRow = await rowWindowCounter(dataset, options)
  return {
    findings,
    examples: Array.from(list, (example): MeasuredExample => {
      const { row, inputIds } = example
      if ('positiveIds' in example) {
        const texts = [
          inputIds,
          example.positiveIds,
          ...(example.negativeIds === undefined ? [] : [example.negativeIds]),
        ]
        const unknown = texts.reduce((sum, ids) => sum + occurrences(ids, unkTokenId), 0)
        return { row, lengths: texts.map(({ length }) => length), labels: undefined, trained: 1, unknown }
      }
      const unknown = occurrences(inputIds, unkTokenId)
      const { labels } = example
      if (!(labels instanceof Int32Array)) {
        return { row, lengths: [inputIds.length], labels: undefined, trained: 1, unknown }
      }
      if (task === 'seq2seq-lm') {
        return { row, lengths: [inputIds.length, labels.length], labels: undefined, trained: labels.length, unknown }
      }
      const isCausal = task === 'causal-lm'
      const trained = isCausal ? countTargets(labels) : labelled(labels)
      const measured = {
        ...{ row, lengths: [inputIds.length], labels: isCausal ? labels : undefined, trained, unknown },
        ...windowsOfRow({ inputIds, labels }),
      }
      if (!('wordIds' in example)) return measured
      const { wordIds } = example as TokenClassificationExample
      const sequenceIds = Array.from(wordIds, (word) => (word < 0 ? null : 0))
      return { ...measured, ...windowsOf(sequenceIds, options, usualStrideOf(options.maxLength ?? Infinity)) }
    }),
  }
}

function taskOptions(
  task: Task,
  { lossOn, labels, maxLength, stride }: MeasureOptions,
  signal?: AbortSignal,
): TaskOptions<Task> {
  switch (task) {
    case 'causal-lm':
      return { loss: lossOn, signal }
    case 'token-classification':
      return { labels, signal }
    case 'question-answering':
      return { maxLength, stride, signal }
    default:
      return { signal }
  }
}

/** Labels are looked at elsewhere: a chunk of rows does not have them all. */
async function textLengths(dataset: Dataset, options: MeasureOptions): Promise<Encoded> {
  const { task, tokenizer, signal } = options
  if (task === undefined) {
    const examples: MeasuredExample[] = []
    for (const [row, value] of dataset.rows.entries()) {
      const texts = await tokenizer.encodeBatch(textsOf(value), { addSpecialTokens: false })
      const length = texts.reduce((sum, ids) => sum + ids.length, 0)
      examples.push({ row, lengths: [length], labels: undefined, trained: length, unknown: 0 })
    }
    return { examples, findings: [] }
  }
  const examples: MeasuredExample[] = []
  await encodeTexts<DatasetRow>(
    dataset,
    tokenizer,
    (row) => {
      const { text, text_pair: pair } = row as TextLabelRow
      return pair === undefined ? text : [text, pair]
    },
    { signal },
    ({ ids, encoded: { sequenceIds } }, row) => {
      const unknown = occurrences(ids, tokenizer.unkTokenId)
      const isPair = 'text_pair' in (dataset.rows[row] ?? {})
      const windows = windowsOf(sequenceIds, options, 0, isPair ? (dataset.origins[row] ?? '') : undefined)
      examples.push({ row, lengths: [ids.length], labels: undefined, trained: 1, unknown, ...windows })
    },
  )
  return { examples, findings: [] }
}

/** Of rows of a causal or a masked model: how many windows one too long becomes that have something to learn. */
async function rowWindowCounter(
  dataset: Dataset,
  options: MeasureOptions,
): Promise<(row: EncodedRow) => Pick<MeasuredExample, 'windows'>> {
  const { task, tokenizer, truncation, maxLength = Infinity, stride = 0 } = options
  const inWindows = truncation === 'window' || truncation === 'split'
  if (!inWindows || (task !== 'causal-lm' && task !== 'masked-lm')) return () => ({})
  if (task === 'masked-lm') {
    const { before, after } = await tokenizer.addedTokenCounts()
    const windowed = { ...options, truncation: 'window' }
    return ({ inputIds: { length } }) => {
      const isOwn = (at: number): boolean => at >= before && at < length - after
      const sequenceIds = Array.from({ length }, (_, at) => (isOwn(at) ? 0 : null))
      return windowsOf(sequenceIds, windowed, 0)
    }
  }
  const addedOf = await addedTokensOf(requireShape(dataset, task, causalShapes), tokenizer)
  return (row) => {
    if (row.inputIds.length <= maxLength) return {}
    const all = rowWindows(row, maxLength, stride, addedOf(row))
    return { windows: all.filter(({ labels }) => countTargets(labels) > 0).length }
  }
}

/** @param pair the origin of a pair of texts. @throws AttuneError as training does, where the windows have no room */
function windowsOf(
  sequenceIds: EncodedText['sequenceIds'],
  { truncation, maxLength = Infinity, stride }: MeasureOptions,
  usualStride: number,
  pair?: string,
): Pick<MeasuredExample, 'windows'> {
  if (truncation !== 'window' || sequenceIds.length <= maxLength) return {}
  const sizes = { maxLength, stride: stride ?? usualStride }
  const found = (pair === undefined ? windowsOfText : windowsOfPair)({ sequenceIds }, sizes)
  if (typeof found !== 'string') return { windows: found.length }
  throw new AttuneError('sequence-too-long', `${pair}: ${found}`, { where: pair ?? '' })
}

function labelled(labels: Int32Array): number {
  let count = 0
  for (const label of labels) if (label !== ignoredLabel) count++
  return count
}

/** Labels that carry loss in what truncation leaves; nothing predicts the first token of it. */
export function labelledAfterCut(labels: Int32Array, maxLength: number, side: 'tail' | 'head'): number {
  if (side === 'tail') return countTargets(labels.subarray(0, maxLength))
  return countTargets(labels.subarray(labels.length - maxLength))
}

function occurrences(ids: Int32Array, id: number | undefined): number {
  if (id === undefined) return 0
  let count = 0
  for (const one of ids) if (one === id) count++
  return count
}
