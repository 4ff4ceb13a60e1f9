import { AttuneError } from '../errors.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { checkedMaxLength, encodeTexts, keptOf, uncut, type TextOptions, type Truncation } from './encode-texts.js'
import type { EncodedTask, TaskExample } from './encoded-task.js'
import { exampleList, listOf, type ExampleList } from './example-list.js'
import type { LengthCounts } from './length-counts.js'
import { maskTokens, type MaskableText } from './mask-tokens.js'
import { RowProblems } from './row-problems.js'
import { ignoredLabel } from './row-encoders.js'
import type { TextRow } from './rows.js'
import { requireShape } from './task.js'
import { windowsOfText } from './token-windows.js'

export interface MaskedLmOptions extends Omit<TextOptions, 'truncation'> {
  /** As for other tasks; 'window' ('split' is the same) makes several examples of a long text. Default: 'error'. */
  readonly truncation?: Truncation | 'split' | 'window' | undefined
  /** Part of the tokens that is to be predicted. Default: 0.15. */
  readonly maskProbability?: number | undefined
  /** Whether all pieces of a word are masked together. Default: false. */
  readonly wholeWord?: boolean | undefined
  /** Decides, with the epoch and the example's index, what is masked. Default: 0. */
  readonly seed?: number | undefined
  /** Ids that a token may be replaced by are below this. Default: the tokenizer's. */
  readonly vocabularySize?: number | undefined
}

export interface MaskedLmExample extends TaskExample {
  /** The masked tokens' own ids, -100 elsewhere. */
  readonly labels: Int32Array
}

export interface EncodedMaskedLm extends EncodedTask<MaskedLmExample> {
  readonly atEpoch: (index: number, epoch: number) => MaskedLmExample
}

/** A text whose tokens can be masked, and its row. */
export interface MaskableRow extends MaskableText {
  readonly row: number
  readonly origin: string
}

/**
 * Texts with some tokens masked, other ones in each epoch: `atEpoch` masks an example anew, `examples` are those of epoch 0.
 * @throws AttuneError 'invalid-tokenizer' (no mask token), 'invalid-dataset', 'all-labels-masked' (nothing to mask in a
 * row), 'sequence-too-long', 'invalid-option'
 */
export async function encodeMaskedLm(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: MaskedLmOptions = {},
): Promise<EncodedMaskedLm> {
  const { texts, ...counts } = await encodeMaskableTexts(dataset, tokenizer, options)
  const { examples: list, atEpoch } = maskedExamples(listOf<MaskableRow>(texts), tokenizer, options)
  const examples = [...list]
  const targets = examples.reduce((sum, { labels }) => sum + labels.filter((label) => label !== ignoredLabel).length, 0)
  return { examples, labels: [], targets, ...counts, findings: [], atEpoch }
}

/** The texts of `encodeMaskedLm` before anything is masked. @throws AttuneError as that does */
export async function encodeMaskableTexts(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: MaskedLmOptions = {},
): Promise<{ readonly texts: MaskableRow[] } & Pick<EncodedTask, 'tokens'> & LengthCounts> {
  requireShape(dataset, 'masked-lm', ['text'])
  requireMaskToken(tokenizer)
  checkedProbability(options.maskProbability ?? 0.15)
  const { wholeWord = false } = options
  const truncation = options.truncation === 'split' ? 'window' : options.truncation
  const special = specialIds(tokenizer)
  const maxLength = checkedMaxLength(options.maxLength)
  const problems = new RowProblems()
  const texts: MaskableRow[] = []
  let [tokens, windows, windowsLeftOut] = [0, 0, 0]
  const counts = await encodeTexts<TextRow>(
    dataset,
    tokenizer,
    ({ text }) => text,
    uncut({ ...options, truncation }),
    (text, row) => {
      const origin = dataset.origins[row] ?? ''
      const words = keptOf(text.encoded.wordIds, text.kept)
      const sequences = keptOf(text.encoded.sequenceIds, text.kept)
      const units = Int32Array.from(text.ids, (id, at) => {
        if (sequences[at] === null || special.has(id)) return -1
        return wholeWord ? (words[at] ?? at) : at
      })
      if (units.every((unit) => unit < 0)) {
        problems.note('all-labels-masked', origin, 'the text has no token that could be masked')
        return
      }
      const whole = { inputIds: text.ids, units }
      const isCut = truncation === 'window' && text.ids.length > maxLength
      const all = isCut ? windowsOfText(text.encoded, { maxLength, stride: 0 }).map(partOf(whole)) : [whole]
      const parts = all.filter((part) => part.units.some((unit) => unit >= 0))
      windows += parts.length - 1
      windowsLeftOut += all.length - parts.length
      for (const part of parts) {
        tokens += part.inputIds.length
        texts.push({ ...part, row, origin })
      }
    },
  )
  problems.throwIfAny()
  return { texts, tokens, ...counts, windows, windowsLeftOut }
}

/** Texts as they are masked in each epoch; `examples` are those of epoch 0. */
export function maskedExamples(
  texts: ExampleList<MaskableRow>,
  tokenizer: Tokenizer,
  options: MaskedLmOptions = {},
): { readonly examples: ExampleList<MaskedLmExample>; readonly atEpoch: EncodedMaskedLm['atEpoch'] } {
  const maskTokenId = requireMaskToken(tokenizer)
  const probability = checkedProbability(options.maskProbability ?? 0.15)
  const special = specialIds(tokenizer)
  const { seed = 0 } = options
  const vocabularySize = options.vocabularySize ?? tokenizer.vocabSize
  const ordinary = Array.from({ length: vocabularySize }, (_, id) => id).filter((id) => !special.has(id))
  const masking = { maskTokenId, probability, seed, replacements: Int32Array.from(ordinary) }
  const atEpoch = (index: number, epoch: number): MaskedLmExample => {
    const text = texts.at(index)
    return { ...maskTokens(text, { ...masking, epoch, index }), row: text.row, origin: text.origin }
  }
  return { examples: exampleList(texts.length, (index) => atEpoch(index, 0)), atEpoch }
}

function requireMaskToken({ maskTokenId, directory }: Tokenizer): number {
  if (maskTokenId !== undefined) return maskTokenId
  const message = `the tokenizer in ${directory} has no mask_token; masked-lm needs the tokenizer of a model trained that way`
  throw new AttuneError('invalid-tokenizer', message, { where: directory })
}

/** Takes some of a text's tokens. */
function partOf({ inputIds, units }: MaskableText): (kept: readonly number[]) => MaskableText {
  return (kept) => ({
    inputIds: Int32Array.from(kept, (at) => inputIds[at] ?? 0),
    units: Int32Array.from(kept, (at) => units[at] ?? -1),
  })
}

function specialIds(tokenizer: Tokenizer): ReadonlySet<number> {
  const ids = Object.values(tokenizer.specialTokens).map((token) => tokenizer.tokenToId(token))
  return new Set(ids.filter((id) => id !== undefined))
}

function checkedProbability(probability: number): number {
  if (probability > 0 && probability < 1) return probability
  const message = `options.maskProbability should be between 0 and 1, received ${probability}`
  throw new AttuneError('invalid-option', message, { where: 'options.maskProbability' })
}
