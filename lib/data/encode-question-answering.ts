import type { EncodedText, Tokenizer } from '../tokenizer/tokenizer.js'
import type { ChunkOptions } from './chunks-ahead.js'
import { codePointLength } from './code-points.js'
import type { Dataset } from './dataset.js'
import { checkedMaxLength, encodeTexts } from './encode-texts.js'
import { checkedStride, usualStrideOf, usualWindow } from './windows.js'
import { findingAbout, type EncodedTask, type TaskExample } from './encoded-task.js'
import { nothingCut } from './length-counts.js'
import { questionWindows, type QuestionWindow } from './question-windows.js'
import { ignoredLabel } from './row-encoders.js'
import { RowProblems } from './row-problems.js'
import type { QuestionAnsweringRow } from './rows.js'
import { requireShape } from './task.js'

export interface QuestionAnsweringOptions extends ChunkOptions {
  /** The most tokens of a window: question, piece of the context, added tokens. Default: 384. */
  readonly maxLength?: number | undefined
  /** How many tokens of the context neighbouring windows share. Default: 128, or a third of a shorter window. */
  readonly stride?: number | undefined
  /** What a window without the answer is to predict: the [CLS] token (else the first), or nothing (-100). Default: 'cls'. */
  readonly noAnswer?: 'cls' | 'ignore' | undefined
}

export interface QuestionAnsweringExample extends TaskExample, QuestionWindow {
  readonly inputIds: Int32Array
  /** First and last token of the answer; the [CLS] token twice, or -100, where the window does not hold it. */
  readonly labels: readonly [start: number, end: number]
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
  const maxLength = checkedMaxLength(options.maxLength ?? usualWindow)
  const stride = checkedStride({ truncation: 'window', stride: options.stride, maxLength }, usualStrideOf(maxLength))
  const problems = new RowProblems()
  const examples: QuestionAnsweringExample[] = []
  const missed: string[] = []
  let [tokens, windows] = [0, 0]
  await encodeTexts<QuestionAnsweringRow>(
    dataset,
    tokenizer,
    ({ question, context }) => [question, context],
    { signal: options.signal, onRows: options.onRows },
    ({ encoded, ids }, row, { answers }) => {
      const origin = dataset.origins[row] ?? ''
      const { sequenceIds } = encoded
      const found = questionWindows(encoded, tokenizer, { maxLength, stride })
      if (found === undefined) {
        const count = (sequence: number): number => sequenceIds.filter((id) => id === sequence).length
        const left = Math.max(maxLength - (ids.length - count(1)), 0)
        const what = `the question has ${count(0)} tokens and leaves ${left} for the context in windows of options.maxLength ${maxLength} that share options.stride ${stride}`
        problems.note('sequence-too-long', origin, what)
        return
      }
      const answer = answerTokens(encoded, answers)
      windows += found.length - 1
      let held = false
      for (const { kept, ...window } of found) {
        const start = answer === undefined ? -1 : kept.indexOf(answer[0])
        const end = answer === undefined ? -1 : kept.indexOf(answer[1])
        const none = options.noAnswer === 'ignore' ? ignoredLabel : window.noAnswerAt
        const has = start >= 0 && end >= 0
        held ||= has
        tokens += window.inputIds.length
        examples.push({ ...window, labels: has ? [start, end] : [none, none], row, origin })
      }
      if (answers.text.length > 0 && !held) missed.push(origin)
    },
  )
  problems.throwIfAny()
  const findings = findingAbout('answer-in-no-window', missed, 'no window holds the whole answer')
  const targets = examples.filter(({ labels }) => labels[0] !== ignoredLabel).length
  return { examples, labels: [], tokens, targets, ...nothingCut, windows, findings }
}

/** The first and the last token that the first answer overlaps, as indices into the encoded text. */
function answerTokens(
  { offsets, sequenceIds }: EncodedText,
  answers: QuestionAnsweringRow['answers'],
): readonly [number, number] | undefined {
  const [text] = answers.text
  const [from] = answers.answer_start
  if (text === undefined || from === undefined) return undefined
  const to = from + codePointLength(text)
  const context = sequenceIds.flatMap((sequence, at) => (sequence === 1 ? [at] : []))
  const first = context.find((at) => (offsets[at]?.[1] ?? 0) > from)
  const last = context.findLast((at) => (offsets[at]?.[0] ?? Infinity) < to)
  return first === undefined || last === undefined || last < first ? undefined : [first, last]
}
