import { labelCounts, type LabelledData } from '../data/label-findings.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { LossOptions } from '../models/task.js'
import { suggestion } from '../nearest.js'
import type { Weights } from './learning-options.js'
import type { SettledTrainOptions } from './train-options.js'

/**
 * The loss of the run's steps, weights as numbers by label.
 * @throws AttuneError 'invalid-option' for weights that do not go with the task, the labels or the rows
 */
export function settleLoss(
  model: Pick<Model, 'labels' | 'task' | 'problemType'>,
  data: LabelledData,
  options: SettledTrainOptions,
): Partial<LossOptions> {
  const { labelSmoothing, focalGamma, neftuneAlpha, classWeights, positiveWeights } = options
  const settle = (given: Weights | undefined, option: string, balanced: (counts: readonly number[]) => number[]) => {
    if (given === undefined) return undefined
    requireFit(model, option)
    if (given === 'balanced') return balanced(labelCounts(data))
    return isList(given) ? listed(given, model, option) : named(given, model, option)
  }
  return {
    labelSmoothing,
    focalGamma,
    neftuneAlpha,
    classWeights: settle(classWeights, 'classWeights', balancedClasses),
    positiveWeights: settle(positiveWeights, 'positiveWeights', (counts) =>
      balancedPositives(counts, data.examples.length),
    ),
  }
}

/** As scikit-learn's: rows / (labels · rows of the label). A label without rows weighs 1. */
export function balancedClasses(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const present = counts.filter((count) => count > 0).length
  return counts.map((count) => (count === 0 ? 1 : total / (present * count)))
}

/** Negative rows for each positive one, as torch's documentation has `pos_weight`. A label without positive rows weighs 1. */
export function balancedPositives(counts: readonly number[], rows: number): number[] {
  return counts.map((count) => (count === 0 ? 1 : (rows - count) / count))
}

function isList(given: Exclude<Weights, 'balanced'>): given is readonly number[] {
  return Array.isArray(given)
}

function requireFit({ task, problemType }: Pick<Model, 'task' | 'problemType'>, option: string): void {
  const single = problemType === 'single_label_classification' || task === 'token-classification'
  const fits = option === 'classWeights' ? single : problemType === 'multi_label_classification'
  if (fits) return
  const what =
    option === 'classWeights' ? 'classification with one label and for tags' : 'classification with many labels'
  const message = `options.${option} is for ${what}: the model is for ${task}${problemType === undefined ? '' : ` (${problemType})`}`
  throw new AttuneError('invalid-option', message, { where: `options.${option}` })
}

function listed(given: readonly number[], { labels }: Pick<Model, 'labels'>, option: string): readonly number[] {
  if (given.length === labels.length) return given
  const message = `options.${option}: expected ${labels.length} numbers, one per label (${labels.join(', ')}), received ${given.length}`
  throw new AttuneError('invalid-option', message, { where: `options.${option}` })
}

function named(
  given: Readonly<Record<string, number>>,
  { labels }: Pick<Model, 'labels'>,
  option: string,
): readonly number[] {
  const unknown = Object.keys(given).find((name) => !labels.includes(name))
  if (unknown === undefined) return labels.map((name) => given[name] ?? 1)
  const message = `options.${option}: the model has no label '${unknown}'.${suggestion(unknown, labels)} It has: ${labels.join(', ')}`
  throw new AttuneError('invalid-option', message, { where: `options.${option}.${unknown}` })
}
