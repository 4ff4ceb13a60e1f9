import { AttuneError } from '../errors.js'
import type { EncodedText, Tokenizer } from '../tokenizer/tokenizer.js'
import { codePointLength } from './code-points.js'
import type { Dataset } from './dataset.js'
import { checkedMaxLength, encodeTexts, tokenTypes } from './encode-texts.js'
import { findingAbout, type EncodedTask, type TaskExample } from './encoded-task.js'
import { ignoredLabel } from './row-encoders.js'
import { RowProblems } from './row-problems.js'
import type { QuestionAnsweringRow } from './rows.js'
import { requireShape } from './task.js'
import { windows } from './windows.js'

export interface QuestionAnsweringOptions {
  /** The most tokens of a window: question, piece of the context, added tokens. Default: 384. */
  readonly maxLength?: number | undefined
  /** How many tokens of the context neighbouring windows share. Default: 128. */
  readonly stride?: number | undefined
  /** What a window without the answer is to predict: the [CLS] token (else the first), or nothing (-100). Default: 'cls'. */
  readonly noAnswer?: 'cls' | 'ignore' | undefined
  /** Stops the work between chunks of rows. Default: none. */
  readonly signal?: AbortSignal | undefined
}

export interface QuestionAnsweringExample extends TaskExample {
  /** First and last token of the answer; the [CLS] token twice, or -100, where the window does not hold it. */
  readonly labels: readonly [start: number, end: number]
  /** Where each token stands in the context, [start, end) in code points; null for tokens that are not of the context. */
  readonly offsets: readonly (readonly [number, number] | null)[]
}

/**
 * Questions and their contexts, cut into overlapping windows where they are longer than `maxLength`. A row with several
 * right answers is trained on the first.
 * @throws AttuneError 'sequence-too-long' (a question that leaves no room for the context), 'invalid-option'
 */
export async function encodeQuestionAnswering(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: QuestionAnsweringOptions = {},
): Promise<EncodedTask<QuestionAnsweringExample>> {
  requireShape(dataset, 'question-answering', ['question-answering'])
  const maxLength = checkedMaxLength(options.maxLength ?? 384)
  const stride = checkedStride(options.stride ?? 128)
  const problems = new RowProblems()
  const examples: QuestionAnsweringExample[] = []
  const missed: string[] = []
  let tokens = 0
  await encodeTexts<QuestionAnsweringRow>(
    dataset,
    tokenizer,
    ({ question, context }) => [question, context],
    { signal: options.signal },
    ({ encoded, ids }, row, { answers }) => {
      const origin = dataset.origins[row] ?? ''
      const { offsets, sequenceIds } = encoded
      const context = sequenceIds.flatMap((sequence, at) => (sequence === 1 ? [at] : []))
      const size = maxLength - (ids.length - context.length)
      if (context.length > size && size <= stride) {
        const what = `the question has ${sequenceIds.filter((id) => id === 0).length} tokens and leaves ${Math.max(size, 0)} for the context in windows of options.maxLength ${maxLength} that share options.stride ${stride}`
        problems.note('sequence-too-long', origin, what)
        return
      }
      const answer = answerTokens(encoded, context, answers)
      let held = false
      for (const [from, to] of windows(context.length, size, stride)) {
        const kept = sequenceIds.flatMap((_, at) => {
          const inWindow = sequenceIds[at] !== 1 || (at >= (context[from] ?? Infinity) && at <= (context[to - 1] ?? -1))
          return inWindow ? [at] : []
        })
        const inputIds = Int32Array.from(kept, (at) => ids[at] ?? 0)
        const start = answer === undefined ? -1 : kept.indexOf(answer[0])
        const end = answer === undefined ? -1 : kept.indexOf(answer[1])
        const none = options.noAnswer === 'ignore' ? ignoredLabel : clsPosition(inputIds, tokenizer)
        const has = start >= 0 && end >= 0
        held ||= has
        tokens += inputIds.length
        examples.push({
          inputIds,
          labels: has ? [start, end] : [none, none],
          offsets: kept.map((at) => (sequenceIds[at] === 1 ? (offsets[at] ?? null) : null)),
          ...tokenTypes({ ids: inputIds, encoded, kept }),
          row,
          origin,
        })
      }
      if (answers.text.length > 0 && !held) missed.push(origin)
    },
  )
  problems.throwIfAny()
  const findings = findingAbout('answer-in-no-window', missed, 'no window holds the whole answer')
  const targets = examples.filter(({ labels }) => labels[0] !== ignoredLabel).length
  return { examples, labels: [], tokens, targets, truncated: 0, skipped: 0, findings }
}

/** The first and the last token that the first answer overlaps, as indices into the encoded text. */
function answerTokens(
  { offsets }: EncodedText,
  context: readonly number[],
  answers: QuestionAnsweringRow['answers'],
): readonly [number, number] | undefined {
  const [text] = answers.text
  const [from] = answers.answer_start
  if (text === undefined || from === undefined) return undefined
  const to = from + codePointLength(text)
  const first = context.find((at) => (offsets[at]?.[1] ?? 0) > from)
  const last = context.findLast((at) => (offsets[at]?.[0] ?? Infinity) < to)
  return first === undefined || last === undefined || last < first ? undefined : [first, last]
}

function clsPosition(ids: Int32Array, { clsTokenId }: Tokenizer): number {
  return clsTokenId === undefined ? 0 : Math.max(ids.indexOf(clsTokenId), 0)
}

function checkedStride(stride: number): number {
  if (Number.isSafeInteger(stride) && stride >= 0) return stride
  const message = `options.stride should be a whole number from 0 on, received ${stride}`
  throw new AttuneError('invalid-option', message, { where: 'options.stride' })
}
