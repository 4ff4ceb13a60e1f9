/** Tasks that predict tokens of the vocabulary: causal, masked and sequence-to-sequence language models. */
import { ignoredLabel } from '../../models/batch.js'
import type { EncodedExample } from '../../data/example.js'
import { labelsOf } from './task-measure.js'
import { taskMetric } from '../task-metric.js'
import {
  lossMetric,
  noDetails,
  perplexityMetric,
  ratioMetric,
  rowPerExample,
  type MeasuredRow,
  type TaskMeasure,
} from './task-measure.js'

export interface TokensRow extends MeasuredRow {
  /** Labelled tokens that were the likeliest; `weight` is how many are labelled. */
  readonly correct: number
}

export interface TokensRecord {
  /** exp(loss) */
  readonly perplexity: number
  /** Labelled tokens, and those that were the likeliest. */
  readonly tokens: number
  readonly correctTokens: number
}

export const tokensMeasure = {
  name: 'language models',
  metrics: {
    loss: lossMetric,
    perplexity: perplexityMetric,
    accuracy: taskMetric<TokensRow, [number, number]>({
      of: ({ correct, weight }) => [correct, weight],
      make: () => ratioMetric(),
    }),
  },
  usual: () => ['loss', 'perplexity', 'accuracy'],
  reader: rowPerExample((examples, { losses, predictions }, { definition }) => {
    let at = 0
    return examples.map((example) => {
      let [lossSum, weight, correct] = [0, 0, 0]
      for (const label of targetsOf(example, definition.task === 'causal-lm' ? 1 : 0)) {
        lossSum += losses[at] ?? NaN
        weight++
        if (predictions?.[at] === label) correct++
        at++
      }
      return { lossSum, weight, correct }
    })
  }),
  details: noDetails,
  record: ({ lossSum, weight, correct }) => ({
    perplexity: Math.exp(lossSum / weight),
    tokens: weight,
    correctTokens: correct,
  }),
} satisfies TaskMeasure<TokensRow, object, TokensRecord>

/** The labels that a loss is of, from index `first` on: nothing predicts a causal model's first token. */
export function* targetsOf(example: EncodedExample, first: number): Generator<number, void, void> {
  const labels = labelsOf(example)
  if (typeof labels === 'number') return
  for (let i = first; i < labels.length; i++) {
    const label = labels[i]
    if (label !== undefined && label !== ignoredLabel) yield label
  }
}
