/** Extractive question answering: the windows of a row are joined, and the best span over all of them is the answer. */
import { sliceCodePoints } from '../../data/code-points.js'
import type { QuestionAnsweringRow } from '../../data/rows.js'
import { AttuneError } from '../../errors.js'
import { answerSpans, type AnswerWindow } from '../../models/answer-spans.js'
import type { LabelledExample } from '../../data/example.js'
import { derived } from '../metrics/metric.js'
import {
  answers,
  answerMetric,
  answerExactMatch,
  answerF1,
  type AnswerRow,
  type AnswerScores,
} from '../metrics/question-answering.js'
import { contributionsMetric } from '../metrics/summed.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import {
  lossMetric,
  reading,
  type BatchResult,
  type MeasuredRow,
  type RowOfExample,
  type RowReader,
  type RowSource,
  type TaskMeasure,
} from './task-measure.js'

export interface AnswersRow extends MeasuredRow {
  /** '' where there is none. */
  readonly prediction: string
  /** Empty where there is none; undefined of encoded rows. */
  readonly answers: readonly string[] | undefined
  /** Probability among the best answers, 'no answer' being one of them. */
  readonly score: number
  /** In the context, [start, end) in code points; absent for no answer. */
  readonly span: readonly [number, number] | undefined
  /** Score of no answer less that of the best one. */
  readonly noAnswerMargin: number
}

/** What the encoder gives beside ids and labels. */
interface WindowExample extends LabelledExample {
  readonly row?: number
  readonly offsets?: AnswerWindow['offsets']
  readonly noAnswerAt?: number
}

export interface AnswersDetails {
  /** Of the questions with an answer, and of those without; absent where there are none. In percent, as SQuAD's script prints. */
  readonly hasAnswer?: AnswerScores['hasAnswer']
  readonly noAnswer?: AnswerScores['noAnswer']
}

export interface AnswersRecord {
  readonly prediction: string
  readonly answers: readonly string[]
  readonly correct: boolean
  readonly f1: number
  readonly score: number
  readonly start?: number
  readonly end?: number
}

export const answersMeasure = {
  name: 'question answering',
  metrics: {
    loss: lossMetric,
    'exact-match': scored('exactMatch'),
    f1: scored('f1'),
  },
  usual: () => ['loss', 'exact-match', 'f1'],
  reader: (source) => new WindowReader(source),
  details: () =>
    derived(
      reading(answerMetric(), (row: AnswersRow): AnswerRow => [row.prediction, goldOf(row)]),
      ({ hasAnswer, noAnswer }): AnswersDetails => ({
        ...(hasAnswer !== undefined && { hasAnswer }),
        ...(noAnswer !== undefined && { noAnswer }),
      }),
    ),
  record: (row) => ({
    prediction: row.prediction,
    answers: goldOf(row),
    correct: answerExactMatch(row.prediction, goldOf(row)) === 1,
    f1: answerF1(row.prediction, goldOf(row)),
    score: row.score,
    ...(row.span !== undefined && { start: row.span[0], end: row.span[1] }),
  }),
  isCorrect: (row) => answerExactMatch(row.prediction, goldOf(row)) === 1,
} satisfies TaskMeasure<AnswersRow, AnswersDetails, AnswersRecord>

/** Shares of 1, as all other metrics. */
function scored(key: 'exactMatch' | 'f1'): TaskMetric<AnswersRow> {
  const summed = answers()
  return taskMetric<AnswersRow, [readonly number[]]>({
    of: (row) => [summed.contribution(row.prediction, goldOf(row))],
    make: () => derived(contributionsMetric(summed), (scores) => scores[key] / 100),
  })
}

interface OpenRow {
  readonly index: number
  left: number
  readonly windows: AnswerWindow[]
  lossSum: number
  weight: number
}

/** Answers come as soon as the last window of a row was seen; until then its logits are held. */
class WindowReader implements RowReader<AnswersRow> {
  readonly #source: RowSource
  readonly #rows: readonly QuestionAnsweringRow[] | undefined
  readonly #open = new Map<number, OpenRow>()
  readonly #unanswerable: boolean

  constructor(source: RowSource) {
    this.#source = source
    this.#rows = source.rows as readonly QuestionAnsweringRow[] | undefined
    // Only data that has questions without an answer asks a model to say so.
    this.#unanswerable = this.#rows?.some(({ answers: { text } }) => text.length === 0) ?? false
    for (let index = 0; index < source.examples.length; index++) {
      const row = this.#rowOf(index)
      const open = this.#open.get(row) ?? { index, left: 0, windows: [], lossSum: 0, weight: 0 }
      open.left++
      this.#open.set(row, open)
    }
  }

  read(indices: readonly number[], { logits, losses }: BatchResult): readonly RowOfExample<AnswersRow>[] {
    let token = 0
    return indices.flatMap((index, place) => {
      const { offsets = [], noAnswerAt = 0, inputIds, labels } = this.#source.examples.at(index) as WindowExample
      const begin = 2 * token
      token += inputIds.length
      const row = this.#rowOf(index)
      const open = this.#open.get(row)
      if (open === undefined) return []
      const own = logits?.data.slice(begin, 2 * token) ?? new Float32Array()
      open.windows.push({ logits: own, offsets, noAnswerAt })
      if (typeof labels !== 'number' && (labels[0] ?? -1) >= 0) {
        open.lossSum += losses[place] ?? NaN
        open.weight += 2
      }
      if (--open.left > 0) return []
      this.#open.delete(row)
      return [{ index: open.index, row: this.#answer(open, row) }]
    })
  }

  #rowOf(index: number): number {
    const { row } = this.#source.examples.at(index) as WindowExample
    return this.#rows === undefined ? index : (row ?? index)
  }

  #answer({ windows, lossSum, weight }: OpenRow, row: number): AnswersRow {
    const { options } = this.#source.context
    const { spans, noAnswerLogit, noAnswerScore } = answerSpans(windows, options)
    const [best] = spans
    const noAnswerMargin = noAnswerLogit - (best?.logit ?? -Infinity)
    const none = best === undefined || (this.#unanswerable && noAnswerMargin > options.noAnswerThreshold)
    const given = this.#rows?.[row]
    return {
      lossSum,
      weight,
      prediction: none ? '' : sliceCodePoints(given?.context ?? '', best.start, best.end),
      answers: given?.answers.text,
      score: none ? noAnswerScore : best.score,
      span: none ? undefined : [best.start, best.end],
      noAnswerMargin,
    }
  }
}

/** @throws AttuneError 'invalid-dataset' of encoded rows, which have no texts */
function goldOf({ answers: gold }: AnswersRow): readonly string[] {
  if (gold !== undefined) return gold
  const message =
    "answers are measured on a Dataset, whose texts they are cut from; of encoded rows there is only the metric 'loss'"
  throw new AttuneError('invalid-dataset', message, { where: 'data' })
}
