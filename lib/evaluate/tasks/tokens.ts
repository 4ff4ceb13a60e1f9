/** Tasks that predict tokens of the vocabulary: causal, masked and sequence-to-sequence language models. */
import { ignoredLabel } from '../../models/batch.js'
import type { ModelExample } from '../example-batch.js'
import { taskMetric } from '../task-metric.js'
import { lossMetric, perplexityMetric, ratioMetric, type MeasuredRow, type TaskMeasure } from './task-measure.js'

export interface TokensRow extends MeasuredRow {
  /** Labelled tokens that were the likeliest; `weight` is how many are labelled. */
  readonly correct: number
}

export const tokensMeasure: TaskMeasure<TokensRow> = {
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
  rows(examples, { losses, predictions }, { task }) {
    let at = 0
    return examples.map((example) => {
      let [lossSum, weight, correct] = [0, 0, 0]
      for (const label of targetsOf(example, task === 'causal-lm' ? 1 : 0)) {
        lossSum += losses[at] ?? NaN
        weight++
        if (predictions?.[at] === label) correct++
        at++
      }
      return { lossSum, weight, correct }
    })
  },
}

/** The labels that a loss is of, from index `first` on: nothing predicts a causal model's first token. */
export function* targetsOf({ labels }: ModelExample, first: number): Generator<number, void, void> {
  if (typeof labels === 'number') return
  for (let i = first; i < labels.length; i++) {
    const label = labels[i]
    if (label !== undefined && label !== ignoredLabel) yield label
  }
}
