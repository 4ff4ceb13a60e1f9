import { z } from 'zod'
import { utf16Indexer } from '../data/code-points.js'
import { joinWords, wordsOfTokens } from '../data/encode-token-classification.js'
import { tokenTypes } from '../data/encode-texts.js'
import { placesOfTokens, windowsOfText, type WindowSizes } from '../data/token-windows.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { softmax } from '../models/probabilities.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import type { EncodedText } from '../tokenizer/tokenizer.js'
import type { LabelScore } from './classify.js'
import { aggregate, aggregations, wordSpans, type Aggregation, type ScoredToken } from './entities.js'
import { runOptions, windowOptions, windowStride, type RunOptions, type WindowOptions } from './predict-options.js'
import type { PreparedRow, Source } from './predict-rows.js'
import { encodeEach, longest } from './prepare-texts.js'
import { withoutBlanks } from './text-span.js'
import { predictList, predictStream, type VerbContext, type VerbOf } from './verb.js'

export const tagOptions = {
  aggregation: {
    type: z.enum(aggregations),
    description:
      "'none': each token by itself; 'simple': neighbouring tokens of one type are an entity; 'first', 'average', 'max': words are, and a word's label is that of its first token, of the mean of its tokens' scores, of its surest token",
    default: 'first' as const,
  },
  ignoreLabels: {
    type: z.array(z.string()).describe('a list of labels'),
    description: 'Labels that are no entities',
    default: ['O'] as string[],
  },
  ...windowOptions,
  ...runOptions,
} satisfies OptionTable

/** See `tagOptions` for each option's meaning and default. */
export interface TagOptions extends WindowOptions, RunOptions {
  /**
   * 'none': each token by itself, its type with the letter before it. 'simple': neighbouring tokens of one type are an
   * entity. 'first', 'average', 'max': neighbouring words are, and a word's label is that of its first token, of the mean of
   * its tokens' scores, of its surest token. @default 'first', which is what models are trained on
   */
  readonly aggregation?: Aggregation | undefined
  /** Labels that are no entities. @default ['O'] */
  readonly ignoreLabels?: readonly string[] | undefined
}

export interface Entity {
  readonly type: string
  /** Mean over its tokens or words. */
  readonly score: number
  /** Where it stands: `text.slice(start, end)`, of words in the text that they are joined to. */
  readonly start: number
  readonly end: number
  readonly text: string
  /** Where words were given: the first, and the one after the last. */
  readonly words?: readonly [start: number, end: number]
}

export interface TaggedText {
  /** As given; words joined by blanks. */
  readonly text: string
  readonly entities: readonly Entity[]
  /** Where words were given: the label of each; null for a word that the tokenizer makes no token of. */
  readonly tags?: readonly (LabelScore | null)[]
}

type TextOrWords = string | readonly string[]
type SettledTag = Settled<typeof tagOptions>

export const tagVerb: VerbOf<TextOrWords, TaggedText, SettledTag> = {
  name: 'tag',
  task: 'token-classification',
  make(context, options) {
    const maxLength = longest(context, options.maxLength)
    const stride = windowStride(options.stride, maxLength)
    return {
      async prepare(inputs, nameOf) {
        const texts = inputs.map(textOf)
        const encoded = await encodeEach(context, texts, nameOf)
        return encoded.map((text, index) => {
          if (text instanceof AttuneError) return text
          const input = inputs[index] ?? ''
          const words = typeof input === 'string' ? undefined : input
          return prepared(text, texts[index] ?? '', words, context, { ...options, maxLength, stride })
        })
      },
    }
  },
}

/**
 * The entities of each text, or of each list of words, in the order given. Long texts are read in overlapping windows: of
 * a token in two of them the one counts that has more of the text around it.
 * @throws AttuneError 'unsupported-task' (of another model), 'invalid-input' (an empty text) naming the text;
 * 'invalid-option', 'aborted'
 */
export async function tag(
  model: Model,
  texts: readonly TextOrWords[],
  options: TagOptions = {},
): Promise<TaggedText[]> {
  return predictList(tagVerb, model, texts, settleOptions(tagOptions, options))
}

/** `tag` over a stream, of which only a window is held at a time. */
export function tagStream(
  model: Model,
  texts: Source<TextOrWords>,
  options: TagOptions = {},
): AsyncGenerator<TaggedText, void, void> {
  return predictStream(tagVerb, model, texts, settleOptions(tagOptions, options))
}

function textOf(input: TextOrWords): string {
  return Array.isArray(input) && input.every((word) => typeof word === 'string')
    ? joinWords(input).text
    : (input as string)
}

function prepared(
  encoded: EncodedText,
  text: string,
  words: readonly string[] | undefined,
  context: VerbContext,
  options: SettledTag & WindowSizes,
): PreparedRow<TaggedText> {
  const { maxLength, stride } = options
  const { ids, offsets } = encoded
  const added = encoded.sequenceIds.map((sequence) => sequence === null)
  const windows = windowsOfText(encoded, { maxLength, stride })
  const own = encoded.wordIds
  const wordOf =
    words === undefined ? ids.map((_, at) => own[at] ?? at) : wordsOfTokens(offsets, added, joinWords(words).spans)
  const { labels } = context.model
  const unitOf = utf16Indexer(text)
  return {
    pieces: windows.map((kept) => {
      const inputIds = Int32Array.from(kept, (at) => ids[at] ?? 0)
      return { inputIds, ...tokenTypes({ ids: inputIds, encoded, kept }) }
    }),
    result(logits) {
      const tokens = placesOfTokens(windows, added).flatMap(({ at, window, place }): ScoredToken[] => {
        const [start, end] = offsets[at] ?? [0, 0]
        const scores = softmax(logits[window] ?? [], place * labels.length, labels.length)
        return [{ start: unitOf(start), end: unitOf(end), word: wordOf[at] ?? at, scores }]
      })
      return taggedText(text, words, tokens, labels, options)
    },
  }
}

function taggedText(
  text: string,
  words: readonly string[] | undefined,
  tokens: readonly ScoredToken[],
  labels: readonly string[],
  { aggregation, ignoreLabels }: SettledTag,
): TaggedText {
  const entities = aggregate(tokens, labels, aggregation)
    .filter(({ label }) => !ignoreLabels.includes(label))
    .map(({ label, score, start, end, words: [first, last] }): Entity => {
      const [from, to] = withoutBlanks(text, start, end)
      const place = words === undefined ? {} : { words: [first, last + 1] as const }
      return { type: label, score, start: from, end: to, text: text.slice(from, to), ...place }
    })
  if (words === undefined) return { text, entities }
  const strategy = aggregation === 'none' || aggregation === 'simple' ? 'first' : aggregation
  const tags: (LabelScore | null)[] = words.map(() => null)
  for (const {
    label,
    score,
    words: [word],
  } of wordSpans(tokens, labels, strategy))
    tags[word] = { label, score }
  return { text, entities, tags }
}
