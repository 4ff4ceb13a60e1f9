import { AttuneError } from '../errors.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { Dataset } from './dataset.js'
import type { TaskOptions } from './encode-for-task.js'
import { encodeRows, type EncodedRows } from './encode-rows.js'
import type { DataFinding } from './encoded-task.js'
import { requireOwnOptions, type EncodingOptions } from './encoding-options.js'
import { collate, isLabelled, type EncodedExample, type ExampleBatch } from './example.js'
import { exampleList, listOf, type ExampleList } from './example-list.js'
import { SizeTable, type ExampleSizeList, type ExampleSizes } from './example-sizes.js'
import { EventLoopTurns } from './event-loop-turns.js'
import { lengthCounts, nothingCut, type LengthCounts } from './length-counts.js'
import { GrowingInt32Array } from './growing-array.js'
import { usualWindow } from './windows.js'
import type { ProblemType, Task } from '../task.js'

/** Rows of a dataset, or rows encoded already. */
export type TrainingData = Dataset | readonly EncodedExample[]

/** What the rows are prepared for. A `Model` is one. */
export interface PreparedFor {
  readonly task: Task
  readonly problemType: ProblemType | undefined
  readonly labels: readonly string[]
  readonly definition: {
    readonly maxPositions: number
    readonly vocabularySize: number
    readonly tokenTypes?: number
  }
  tokenizer(): Promise<Tokenizer>
  /** Checks the batch. */
  batchSizes(batch: ExampleBatch, where: string): ExampleSizes
}

/** Examples ready to be trained on or measured, and what was counted on the way. */
export interface PreparedData extends LengthCounts {
  readonly examples: ExampleList
  /** Sizes of each alone. */
  readonly sizes: ExampleSizeList
  /** Index of each among all that were encoded, or given encoded. */
  readonly places: ArrayLike<number>
  /** Example `index` as epoch `epoch` sees it, where that differs; `examples` are those of epoch 0. */
  readonly atEpoch: ((index: number, epoch: number) => EncodedExample) | undefined
  /** The decoder's counted too. */
  readonly tokens: number
  /** What has a label: tokens that something predicts, or rows. */
  readonly labelledTokens: number
  /** Tokens of the longest text. */
  readonly longest: number
  /** Rows left out: too long, or without a label. */
  readonly skipped: number
  readonly findings: readonly DataFinding[]
}

/**
 * Encodes a dataset for the model's task, or takes rows that are encoded already; checks both.
 * @param where option path of the data, for messages
 * @throws AttuneError 'empty-dataset', 'all-labels-masked', 'sequence-too-long', 'invalid-batch', 'invalid-option' (an option
 * of another task) and what the task's encoder throws
 */
export async function prepareData(
  data: TrainingData,
  model: PreparedFor,
  options: EncodingOptions,
  where: string,
): Promise<PreparedData> {
  if (data.length === 0) throw new AttuneError('empty-dataset', `${where} has no rows`, { where })
  const encoding = await encoded(data, model, options, where)
  const { examples: all, findings, atEpoch } = encoding
  const turns = new EventLoopTurns()
  const sizes = new SizeTable()
  const places = new GrowingInt32Array()
  let [tokens, labelledTokens, longest, index, decoded] = [0, 0, 0, 0, 0]
  for (const example of all) {
    const size = sizesOf(example, model, example.origin ?? `${where}[${index}]`)
    if (isLabelled(example) && example.decoderInputIds !== undefined) decoded++
    // Rows without any label would be empty batches.
    if (size.rows > 0) {
      places.push(index)
      sizes.push(size)
      tokens += size.tokens + (size.decoderTokens ?? 0)
      labelledTokens += size.rows
      longest = Math.max(longest, example.inputIds.length)
    }
    index++
    if (turns.isDue) await turns.next()
  }
  requireAlike(decoded, all.length, where)
  if (places.length === 0) {
    const message = `nothing of ${where} carries loss: all labels are -100`
    throw new AttuneError('all-labels-masked', message, { where })
  }
  const kept = places.values()
  const placeOf = (at: number): number => kept[at] ?? -1
  return {
    examples: kept.length === all.length ? all : exampleList(kept.length, (at) => all.at(placeOf(at))),
    sizes,
    places: kept,
    atEpoch: atEpoch === undefined ? undefined : (at, epoch) => atEpoch(placeOf(at), epoch),
    tokens,
    labelledTokens,
    longest,
    ...lengthCounts(encoding),
    skipped: encoding.skipped + all.length - kept.length,
    findings,
  }
}

async function encoded(
  data: TrainingData,
  model: PreparedFor,
  options: EncodingOptions,
  where: string,
): Promise<EncodedRows> {
  requireOwnOptions(options, model.task)
  if (!(data instanceof Dataset)) return { examples: listOf(data), ...nothingCut, findings: [] }
  const { maxPositions } = model.definition
  const maxLength = longestRow(model.task, maxPositions, options.maxLength)
  const own = options.tokenizer ?? (await model.tokenizer())
  const { chatTemplate } = options
  const tokenizer = chatTemplate === undefined ? own : await own.withChatTemplate(chatTemplate)
  const result = await encodeRows(model.task, data, tokenizer, { ...optionsFor(model, options), maxLength }, options)
  if (result.examples.length > 0) return result
  const message = `all ${result.skipped} rows of ${where} were left out: each has more than ${maxLength} tokens`
  throw new AttuneError('empty-dataset', message, { where })
}

/** Tokens of a row at most: as asked, else as is usual for the task, and never more than the model takes. */
export function longestRow(task: Task | undefined, maxPositions: number, asked: number | undefined): number {
  return Math.min(asked ?? (task === 'question-answering' ? usualWindow : maxPositions), maxPositions)
}

function optionsFor(model: PreparedFor, options: EncodingOptions): TaskOptions<Task> {
  const { task, problemType, labels, definition } = model
  const { stride } = options
  const truncation = options.truncation === 'split' ? 'window' : options.truncation
  const whole = truncation === 'window' ? undefined : truncation
  switch (task) {
    case 'causal-lm':
      return {
        loss: options.lossOn,
        truncation,
        stride,
        chatTemplateVariables: options.templateVariables,
      }
    case 'sequence-classification':
      return { labels, problemType, truncation, stride }
    case 'token-classification':
      return { labels, labelPieces: options.labelPieces, truncation, stride }
    case 'question-answering':
      return { stride }
    case 'masked-lm': {
      const { maskProbability, wholeWord, seed } = options
      return {
        maskProbability,
        wholeWord,
        seed,
        truncation,
        vocabularySize: definition.vocabularySize,
      }
    }
    case 'seq2seq-lm':
      return { prefix: options.prefix, maxTargetLength: options.maxTargetLength, truncation: whole }
    case 'embedding':
      return { truncation: whole }
  }
}

/** Sizes of an example alone. @throws AttuneError naming the row */
function sizesOf(example: EncodedExample, model: PreparedFor, where: string): ExampleSizes {
  const { vocabularySize } = model.definition
  const foreign = Array.from(example.inputIds).find((id) => id < 0 || id >= vocabularySize)
  if (foreign !== undefined) {
    const message = `${where} has token id ${foreign}; the model's vocabulary has ${vocabularySize}: is it another model's tokenizer?`
    throw new AttuneError('invalid-batch', message, { where })
  }
  if (isLabelled(example) === (model.task === 'embedding')) {
    const expected = model.task === 'embedding' ? 'inputIds and positiveIds' : 'inputIds and labels'
    throw new AttuneError('invalid-batch', `${where}: ${model.task} takes rows of ${expected}`, { where })
  }
  try {
    return model.batchSizes(collate([example], model.definition), where)
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    const message = `${where}: ${error.message}`
    throw new AttuneError(error.code, message, { where: error.where ?? where, cause: error })
  }
}

/** What the decoder reads is given for all rows or for none: a batch is of both kinds otherwise. */
function requireAlike(given: number, rows: number, where: string): void {
  if (given === 0 || given === rows) return
  const message = `${where}: ${given} of ${rows} rows have decoderInputIds: give them for all, or for none`
  throw new AttuneError('invalid-batch', message, { where })
}
