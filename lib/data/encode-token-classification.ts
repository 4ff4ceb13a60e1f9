import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { codePointLength } from './code-points.js'
import type { Dataset } from './dataset.js'
import {
  checkedMaxLength,
  encodeTexts,
  keptOf,
  partOf,
  tokenTypes,
  uncut,
  type WindowedTextOptions,
} from './encode-texts.js'
import { findingAbout, type EncodedTask, type TaskExample } from './encoded-task.js'
import { collectLabels, labelIndexer, noteMixedTypes, noteUnknown } from './labels.js'
import { ignoredLabel } from './row-encoders.js'
import { RowProblems } from './row-problems.js'
import type { Label, TokensTagsRow } from './rows.js'
import { requireShape } from './task.js'
import { placesOfTokens, windowsOfText } from './token-windows.js'
import { checkedStride, usualStrideOf } from './windows.js'

export interface TokenClassificationOptions extends WindowedTextOptions {
  /** Of 'window' only: tokens that neighbouring windows share. Default: as of `tag`, 128, or a third of a shorter window. */
  readonly stride?: number | undefined
  /** Names of the model's labels, by index. Default: those of the data, sorted. */
  readonly labels?: readonly string[] | undefined
  /**
   * Which pieces of a word carry its label: the first, the others -100; or all, where a word that begins an entity (B-)
   * goes on inside it (I-). Default: 'first'.
   */
  readonly labelPieces?: 'first' | 'all' | undefined
}

export interface TokenClassificationExample extends TaskExample {
  readonly labels: Int32Array
  /** Which word each token is a piece of, -1: none. */
  readonly wordIds: Int32Array
}

/** Words joined by a blank, and where each stands in the text, in code points. */
export interface JoinedWords {
  readonly text: string
  readonly spans: readonly (readonly [number, number])[]
}

/**
 * Words and their tags. The words are joined by blanks and tokenized as one text, as they are when the model tags
 * text later on; offsets tell which word a token is of. With truncation 'window' a text too long becomes several examples: a label
 * stands in the window that has most of the text around its token, as `tag` reads it, and is -100 in the others.
 * @throws AttuneError 'unknown-label', 'mixed-label-types', 'invalid-dataset', 'sequence-too-long', naming the rows
 */
export async function encodeTokenClassification(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: TokenClassificationOptions = {},
): Promise<EncodedTask<TokenClassificationExample>> {
  requireShape(dataset, 'token-classification', ['tokens-tags'])
  const rows = dataset.rows as readonly TokensTagsRow[]
  const { names, tags } = tagTargets(rows, dataset.origins, options.labels)
  const inside = names.map((name) => (name.startsWith('B-') ? names.indexOf(`I-${name.slice(2)}`) : -1))

  const examples: TokenClassificationExample[] = []
  const maxLength = checkedMaxLength(options.maxLength)
  const stride = checkedStride(options, usualStrideOf(maxLength))
  const lost: string[] = []
  let [tokens, targets, windows, windowsLeftOut] = [0, 0, 0, 0]
  const counts = await encodeTexts<TokensTagsRow>(
    dataset,
    tokenizer,
    (row) => joinWords(row.tokens).text,
    uncut(options),
    (text, row, { tokens: words }) => {
      const offsets = keptOf(text.encoded.offsets, text.kept)
      const added = keptOf(text.encoded.sequenceIds, text.kept).map((sequence) => sequence === null)
      const wordIds = wordsOfTokens(offsets, added, joinWords(words).spans)
      const labels = new Int32Array(wordIds.length).fill(ignoredLabel)
      wordIds.forEach((word, at) => {
        if (word < 0) return
        const tag = tags[row]?.[word] ?? ignoredLabel
        const goesOn = inside[tag] ?? -1
        if (wordIds[at - 1] !== word) labels[at] = tag
        else if (options.labelPieces === 'all') labels[at] = goesOn < 0 ? tag : goesOn
      })
      const origin = dataset.origins[row] ?? ''
      if (text.kept === undefined && new Set(wordIds.filter((word) => word >= 0)).size < words.length) lost.push(origin)
      targets += labels.filter((label) => label !== ignoredLabel).length
      if (options.truncation !== 'window' || text.ids.length <= maxLength) {
        tokens += text.ids.length
        examples.push({ inputIds: text.ids, labels, wordIds, ...tokenTypes(text), row, origin })
        return
      }
      const all = windowsOfText(text.encoded, { maxLength, stride })
      const parts = all.map((kept, window): TokenClassificationExample => {
        const part = partOf(text, kept)
        const empty = new Int32Array(kept.length).fill(ignoredLabel)
        const words = Int32Array.from(kept, (at) => wordIds[at] ?? -1)
        return { inputIds: part.ids, labels: empty, wordIds: words, ...tokenTypes(part), row, origin, window }
      })
      for (const { at, window, place } of placesOfTokens(all, added)) {
        const own = parts[window]?.labels
        if (own !== undefined) own[place] = labels[at] ?? ignoredLabel
      }
      // Of a row without any label one is kept, so that it counts as a row left out.
      const [first] = parts
      const withLabels = parts.filter((part) => part.labels.some((label) => label !== ignoredLabel))
      const kept = withLabels.length > 0 || first === undefined ? withLabels : [first]
      windows += kept.length - 1
      windowsLeftOut += parts.length - kept.length
      for (const { inputIds } of kept) tokens += inputIds.length
      examples.push(...kept)
    },
  )
  const findings = findingAbout('word-without-token', lost, 'the tokenizer makes no token of some words')
  return { examples, labels: names, tokens, targets, ...counts, windows, windowsLeftOut, findings }
}

export function joinWords(words: readonly string[]): JoinedWords {
  let at = 0
  const spans = words.map((word): readonly [number, number] => {
    const start = at
    at += codePointLength(word) + 1
    return [start, at - 1]
  })
  return { text: words.join(' '), spans }
}

/**
 * The word of each token, -1 for added ones: the first that it overlaps. A token that is only the blank before a word
 * (some tokenizers make such) belongs to that word.
 */
export function wordsOfTokens(
  offsets: readonly (readonly [number, number])[],
  added: readonly boolean[],
  spans: readonly (readonly [number, number])[],
): Int32Array {
  let word = 0
  return Int32Array.from(offsets, ([start], at) => {
    if (added[at] === true) return -1
    while (word < spans.length - 1 && (spans[word]?.[1] ?? 0) <= start) word++
    return word
  })
}

function tagTargets(
  rows: readonly TokensTagsRow[],
  origins: readonly string[],
  given: readonly string[] | undefined,
): { readonly names: readonly string[]; readonly tags: readonly Int32Array[] } {
  const problems = new RowProblems()
  const isTag = (tag: Label): boolean => tag !== ignoredLabel
  const labelled = rows.map((row, index) => ({ labels: row.tags.filter(isTag), origin: origins[index] ?? '' }))
  noteMixedTypes(problems, labelled)
  problems.throwIfAny()
  const names = given ?? collectLabels(labelled)
  const indexOf = labelIndexer(names)
  const tags = rows.map((row, index) => {
    const unknown = row.tags.find((tag) => isTag(tag) && indexOf(tag) === undefined)
    if (unknown !== undefined) noteUnknown(problems, origins[index] ?? '', unknown, names)
    return Int32Array.from(row.tags, (tag) => indexOf(tag) ?? ignoredLabel)
  })
  problems.throwIfAny()
  return { names, tags }
}
