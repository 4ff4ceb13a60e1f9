/** The model before it was tuned, which stands beside the tuned one. */
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import type { Settled } from '../options.js'
import type { evaluateOptions } from './evaluate-options.js'
import type { MeasuredRow, TaskMeasure } from './tasks/task-measure.js'

type BaselineOptions = Pick<Settled<typeof evaluateOptions>, 'baselines' | 'untuned'>

/** The model to compare with: the one that was given, or the model without its adapter. */
export function untunedOf(options: BaselineOptions, model: Model): Model | undefined {
  return options.untuned ?? (model.adapter === undefined ? undefined : model)
}

/** @throws AttuneError 'invalid-option' for baselines that were asked for and that there are none of */
export function requireBaselines<Row extends MeasuredRow>(
  options: BaselineOptions,
  model: Model,
  measure: TaskMeasure<Row>,
): void {
  const refuse = (where: string, why: string): never => {
    throw new AttuneError('invalid-option', `${where}: ${why}`, { where })
  }
  if (options.baselines?.includes('majority') === true && measure.constant === undefined) {
    refuse('options.baselines', `there is no majority to learn for ${measure.name}`)
  }
  const { untuned } = options
  if (options.baselines?.includes('untuned') === true && untunedOf(options, model) === undefined) {
    refuse(
      'options.baselines',
      'the model has no adapter to leave out: give the model before it was tuned as `untuned`',
    )
  }
  if (untuned === undefined) return
  const isAlike =
    untuned.task === model.task &&
    untuned.problemType === model.problemType &&
    untuned.definition.vocabularySize === model.definition.vocabularySize &&
    untuned.labels.join('\n') === model.labels.join('\n')
  if (!isAlike) refuse('options.untuned', "expected a model of the same task, labels and vocabulary as the tuned one's")
}
