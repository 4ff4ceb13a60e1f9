import { AttuneError } from '../errors.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { chunksAhead, type ChunkOptions } from './chunks-ahead.js'
import { addedTokensOf, countTargets, cutRow, rowWindows } from './causal-windows.js'
import { checkedStride } from './windows.js'
import type { Dataset } from './dataset.js'
import { nothingCut, type LengthCounts } from './length-counts.js'
import {
  causalShapes,
  ignoredLabel,
  rowEncoders,
  type CausalShape,
  type EncodedRow,
  type LossOn,
} from './row-encoders.js'
import { requireShape } from './task.js'

export { ignoredLabel, type LossOn }

export interface EncodeDatasetOptions extends ChunkOptions {
  /**
   * Which tokens carry the loss. 'completion' is for prompt/completion rows, 'assistant' (all the assistant's turns)
   * and 'last-assistant' for messages, 'all' for every shape. What a message of weight 0 says carries none.
   * Default: 'completion' for prompt/completion, 'assistant' for messages, 'all' for text.
   */
  readonly loss?: LossOn | undefined
  /** Whether text and completions end with the tokenizer's eos (where it has one and did not add it). Default: true. */
  readonly appendEos?: boolean | undefined
  /** The most tokens of an example. Default: no limit. */
  readonly maxLength?: number | undefined
  /**
   * What happens to longer rows: 'error' throws, 'tail' cuts off their end, 'head' cuts off their beginning, 'skip'
   * leaves them out, 'window' makes several examples of one. The tokens in front (a BOS) stay. Default: 'error'.
   */
  readonly truncation?: 'error' | 'tail' | 'head' | 'skip' | 'window' | undefined
  /** Of 'window' only: tokens that neighbouring windows share, trained on in one of them. Default: 0. */
  readonly stride?: number | undefined
  /** Further variables for the chat template. Default: none. */
  readonly chatTemplateVariables?: Readonly<Record<string, unknown>> | undefined
}

/** One training example. Labels are aligned with the ids: a causal model shifts them itself. */
export interface TrainingExample extends EncodedRow {
  /** Index of the row in the dataset. */
  readonly row: number
  /** Where the row came from, as `file:line` or `row N`. */
  readonly origin: string
}

export interface EncodedDataset extends LengthCounts {
  readonly examples: readonly TrainingExample[]
  /** Tokens in all examples. */
  readonly tokens: number
  /** Tokens that carry loss: labels that are not -100, the first of each example left out (nothing predicts it). */
  readonly targets: number
}

const lossesOfShape: Readonly<Record<CausalShape, readonly LossOn[]>> = {
  // The first is the default.
  'prompt-completion': ['completion', 'all'],
  // Of a conversation in two parts what the prompt says has weight 0: 'completion' is what the assistant says after it.
  messages: ['assistant', 'completion', 'last-assistant', 'all'],
  text: ['all'],
}

const rowsNamed = 10

/**
 * Turns the rows of a dataset into training examples; tokenizing runs off the main thread.
 * @throws AttuneError 'empty-dataset', 'invalid-option', 'invalid-dataset' (rows of another shape), 'sequence-too-long' (a row over `maxLength` with truncation
 * 'error'), 'all-labels-masked' (rows in which nothing carries loss), 'invalid-chat-template' and
 * 'chat-template-failed' (messages), 'aborted'; each names the row it is about
 */
export async function encodeDataset(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: EncodeDatasetOptions = {},
): Promise<EncodedDataset> {
  const shape = requireShape(dataset, 'causal-lm', causalShapes)
  const loss = checkedLoss(options.loss, shape)
  const { maxLength = Infinity, truncation = 'error' } = options
  if (maxLength !== Infinity && !(Number.isSafeInteger(maxLength) && maxLength >= 2)) {
    throw new AttuneError(
      'invalid-option',
      `options.maxLength should be a whole number from 2 on, received ${maxLength}`,
      {
        where: 'options.maxLength',
      },
    )
  }

  const stride = checkedStride({ ...options, truncation }, 0)
  const addedOf = await addedTokensOf(shape, tokenizer)

  const examples: TrainingExample[] = []
  const masked: string[] = []
  const totals = { tokens: 0, targets: 0, ...nothingCut }
  const rowOptions = { loss, appendEos: options.appendEos ?? true, variables: options.chatTemplateVariables }
  const chunks = chunksAhead(dataset.length, options, (start, end) =>
    rowEncoders[shape](dataset.slice(start, end), tokenizer, rowOptions),
  )
  for await (const { start, result } of chunks) {
    result.forEach((row, index) => {
      const origin = dataset.origins[start + index] ?? ''
      let parts = [row]
      if (row.inputIds.length > maxLength) {
        if (truncation === 'error') throw tooLong(row.inputIds.length, maxLength, origin)
        if (truncation === 'skip') {
          totals.skipped++
          return
        }
        if (truncation === 'window') {
          const all = rowWindows(row, maxLength, stride, addedOf(row))
          parts = all.filter(({ labels }) => countTargets(labels) > 0)
          totals.windowsLeftOut += all.length - parts.length
          totals.windows += Math.max(parts.length - 1, 0)
        } else {
          totals.truncated++
          totals.truncatedTokens += row.inputIds.length - maxLength
          parts = [cutRow(row, maxLength, truncation, addedOf(row))]
        }
      }
      if (parts.every(({ labels }) => countTargets(labels) === 0)) masked.push(origin)
      for (const part of parts) {
        totals.tokens += part.inputIds.length
        totals.targets += countTargets(part.labels)
        examples.push({ ...part, row: start + index, origin })
      }
    })
  }
  if (masked.length > 0) throw allMasked(masked, totals.truncated > 0)
  return { examples, ...totals }
}

function checkedLoss(loss: LossOn | undefined, shape: CausalShape): LossOn {
  const allowed = lossesOfShape[shape]
  const [usual = 'all'] = allowed
  if (loss === undefined || allowed.includes(loss)) return loss ?? usual
  const list = allowed.map((name) => `'${name}'`).join(' or ')
  throw new AttuneError('invalid-option', `options.loss for ${shape} rows should be ${list}, received '${loss}'`, {
    where: 'options.loss',
  })
}

function tooLong(length: number, maxLength: number, origin: string): AttuneError {
  return new AttuneError(
    'sequence-too-long',
    `${origin} has ${length} tokens, more than options.maxLength (${maxLength}); raise it, shorten the row, or set ` +
      "options.truncation to 'tail', 'head', 'skip' or 'window'",
    { where: origin },
  )
}

function allMasked(origins: readonly string[], truncated: boolean): AttuneError {
  const named = origins.slice(0, rowsNamed).join(', ')
  const more = origins.length > rowsNamed ? ` and ${origins.length - rowsNamed} more` : ''
  const advice = truncated
    ? "; truncation may have cut the targets off: raise options.maxLength or set options.truncation to 'skip'"
    : '; is the completion empty, or is there no assistant message?'
  return new AttuneError(
    'all-labels-masked',
    `nothing to learn from in ${named}${more}: no token carries loss${advice}`,
    {
      where: origins[0] ?? '',
    },
  )
}
