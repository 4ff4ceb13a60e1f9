/** What a model writes, beside what it should have written. */
import { bleu } from '../metrics/bleu.js'
import { chrf } from '../metrics/chrf.js'
import { exactMatch } from '../metrics/exact-match.js'
import { derived } from '../metrics/metric.js'
import { answerF1 } from '../metrics/question-answering.js'
import { rouge, type RougeType } from '../metrics/rouge.js'
import { contributionsMetric, type Summed } from '../metrics/summed.js'
import { ter } from '../metrics/ter.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import type { MeasuredRow } from './task-measure.js'

export interface TextsRow extends MeasuredRow {
  readonly prompt: string
  readonly prediction: string
  readonly reference: string
}

const trimmed = exactMatch({ normalize: (text) => text.trim() })

/** Words that the two share, as SQuAD's F1 counts them, a mean over the rows. */
const wordOverlap: Summed<[prediction: string, reference: string], number> = {
  name: 'f1',
  contribution: (prediction, reference) => [1, answerF1(prediction, [reference])],
  score: ([rows = 0, sum = 0]) => sum / rows,
}

/** BLEU, chrF and TER are 0 to 100 as sacrebleu prints them, the others shares of 1. */
export const textMetrics = {
  bleu: ofTexts(bleu(), ({ bleu: score }) => score),
  chrf: ofTexts(chrf(), (score) => score),
  ter: ofTexts(ter(), (score) => score, false),
  rouge1: ofRouge('rouge1'),
  rouge2: ofRouge('rouge2'),
  rougeL: ofRouge('rougeL'),
  rougeLsum: ofRouge('rougeLsum'),
  'exact-match': ofTexts(trimmed, (score) => score),
  f1: ofTexts(wordOverlap, (score) => score),
} satisfies Record<string, TaskMetric<TextsRow>>

export const textsMeasure = {
  metrics: textMetrics,
  isCorrect: ({ prediction, reference }: TextsRow) => prediction.trim() === reference.trim(),
}

function ofRouge(type: RougeType): TaskMetric<TextsRow> {
  return ofTexts(rouge({ types: [type] }), (scores) => scores[type]?.fScore ?? NaN)
}

function ofTexts<Value>(
  summed: Summed<[prediction: string, reference: string], Value>,
  then: (value: Value) => number,
  greaterIsBetter = true,
): TaskMetric<TextsRow> {
  return taskMetric<TextsRow, [readonly number[]]>({
    greaterIsBetter,
    of: ({ prediction, reference }) => [summed.contribution(prediction, reference)],
    make: () => derived(contributionsMetric(summed), then),
  })
}
