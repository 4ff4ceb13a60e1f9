import { AttuneError } from '../errors.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { encodeTexts, type TextOptions } from './encode-texts.js'
import type { EncodedTask, TaskExample } from './encoded-task.js'
import { nothingCut, type LengthCounts } from './length-counts.js'
import { RowProblems } from './row-problems.js'
import type { PromptCompletionRow, SourceTargetRow } from './rows.js'
import { requireShape } from './task.js'

export interface Seq2SeqOptions extends TextOptions {
  /** Put before each source, such as 'translate English to Swedish: '. Default: ''. */
  readonly prefix?: string | undefined
  /** The most tokens of a target. Default: `maxLength`. */
  readonly maxTargetLength?: number | undefined
}

export interface Seq2SeqExample extends TaskExample {
  /** The target's ids, eos at the end; a model makes its decoder's inputs of them. */
  readonly labels: Int32Array
}

type Row = SourceTargetRow | PromptCompletionRow

/**
 * Sources and targets (or prompts and completions), both ended by eos.
 * @throws AttuneError 'invalid-dataset' (empty texts), 'invalid-tokenizer' (no eos), 'sequence-too-long', naming the rows
 */
export async function encodeSeq2Seq(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: Seq2SeqOptions = {},
): Promise<EncodedTask<Seq2SeqExample>> {
  requireShape(dataset, 'seq2seq-lm', ['source-target', 'prompt-completion'])
  const eos = await endOfText(tokenizer)
  requireTexts(dataset)
  const { prefix = '', maxLength, maxTargetLength = maxLength } = options
  const cut = new Set<number>()
  const encodeSide = async (side: 'source' | 'target', limit: number | undefined): Promise<Side> => {
    const ids = new Map<number, Int32Array>()
    const texts = { ...options, maxLength: limit === undefined ? undefined : limit - eos.missing }
    const textOf = (row: Row): string => (side === 'source' ? prefix + sourceOf(row) : targetOf(row))
    const counts = await encodeTexts(dataset, tokenizer, textOf, texts, (text, row) => {
      ids.set(row, withEnd(text.ids, eos.id))
      if (text.kept !== undefined) cut.add(row)
    })
    return { ids, ...counts }
  }
  const sources = await encodeSide('source', maxLength)
  const targets = await encodeSide('target', maxTargetLength)
  const examples: Seq2SeqExample[] = []
  let [tokens, labelled] = [0, 0]
  dataset.origins.forEach((origin, row) => {
    const inputIds = sources.ids.get(row)
    const labels = targets.ids.get(row)
    if (inputIds === undefined || labels === undefined) return
    tokens += inputIds.length + labels.length
    labelled += labels.length
    examples.push({ inputIds, labels, row, origin })
  })
  const skipped = dataset.length - examples.length
  const truncatedTokens = sources.truncatedTokens + targets.truncatedTokens
  const counts = { ...nothingCut, truncated: cut.size, truncatedTokens, skipped }
  return { examples, labels: [], tokens, targets: labelled, ...counts, findings: [] }
}

interface Side extends LengthCounts {
  readonly ids: ReadonlyMap<number, Int32Array>
}

/** The eos token, and how many have to be put after a text: none where the tokenizer does it. */
async function endOfText(tokenizer: Tokenizer): Promise<{ readonly id: number; readonly missing: number }> {
  const id = tokenizer.eosTokenId
  if (id === undefined) {
    const message = `the tokenizer in ${tokenizer.directory} has no eos_token; seq2seq-lm needs it to end a text`
    throw new AttuneError('invalid-tokenizer', message, { where: tokenizer.directory })
  }
  return { id, missing: (await tokenizer.encode('a')).at(-1) === id ? 0 : 1 }
}

function withEnd(ids: Int32Array, eos: number): Int32Array {
  return ids.at(-1) === eos ? ids : Int32Array.of(...ids, eos)
}

function sourceOf(row: Row): string {
  return 'source' in row ? row.source : row.prompt
}

function targetOf(row: Row): string {
  return 'target' in row ? row.target : row.completion
}

function requireTexts(dataset: Dataset): void {
  const problems = new RowProblems()
  ;(dataset.rows as readonly Row[]).forEach((row, index) => {
    const empty = sourceOf(row).trim() === '' ? 'source' : targetOf(row).trim() === '' ? 'target' : undefined
    if (empty !== undefined) problems.note('invalid-dataset', dataset.origins[index] ?? '', `the ${empty} is empty`)
  })
  problems.throwIfAny()
}
