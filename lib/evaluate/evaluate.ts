import { prepareData } from '../data/prepare-data.js'
import type { TrainingData } from '../data/prepare-data.js'
import type { Model } from '../models/model.js'
import { settleOptions } from '../options.js'
import { evaluateOptions, requireMetrics, type EvaluateOptions } from './evaluate-options.js'
import { measureLoss } from './loss.js'

export interface EvaluationReport {
  /** Mean −log p of the labelled tokens. */
  readonly loss?: number
  /** exp(loss) */
  readonly perplexity?: number
  /** Share of the labelled tokens that the model finds likeliest. */
  readonly accuracy?: number
  readonly rows: number
  /** Labelled tokens: what the numbers are means over. */
  readonly tokens: number
  readonly truncated: number
  readonly skipped: number
  readonly seconds: number
}

/**
 * Measures a model on rows, without dropout.
 * @throws AttuneError 'invalid-option', 'empty-dataset', 'all-labels-masked', 'sequence-too-long', 'aborted'
 */
export async function evaluate(
  model: Model,
  data: TrainingData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const start = performance.now()
  const settled = settleOptions(evaluateOptions, options)
  const metrics = requireMetrics(settled.metrics)
  const { lossOn, maxLength, truncation, signal, onProgress, tokensPerBatch } = settled
  const { examples, truncated, skipped } = await prepareData(
    data,
    model,
    { tokenizer: settled.tokenizer, lossOn, maxLength, truncation, signal },
    'dataset',
  )
  const onBatch = onProgress === undefined ? undefined : (rows: number) => onProgress({ rows, ofRows: examples.length })
  const measured = await measureLoss(model, examples, { tokensPerBatch, signal, onBatch })
  const values = Object.fromEntries(metrics.map((metric) => [metric, measured[metric]]))
  const seconds = (performance.now() - start) / 1000
  return { ...values, rows: examples.length, tokens: measured.tokens, truncated, skipped, seconds }
}
