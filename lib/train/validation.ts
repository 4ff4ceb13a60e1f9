/** The metrics of the validation rows: which are measured, and which of them decide. */
import { Dataset } from '../data/dataset.js'
import { encodingOf } from '../data/encoding-options.js'
import type { ExampleList } from '../data/example-list.js'
import { prepareData, type PreparedData } from '../data/prepare-data.js'
import type { DatasetRow } from '../data/rows.js'
import { AttuneError } from '../errors.js'
import { greaterIsBetter, requireMetrics } from '../evaluate/metric-names.js'
import { measureExamples } from '../evaluate/measure-examples.js'
import type { Model } from '../models/model.js'
import type { SettledTrainOptions } from './train-options.js'

export interface DecidingMetric {
  readonly name: string
  readonly greaterIsBetter: boolean
}

export interface ValidationMetrics {
  /** The loss is always among them. */
  readonly names: readonly string[]
  readonly best: DecidingMetric
  readonly stopping: DecidingMetric
}

/** @throws AttuneError 'invalid-option' for a metric that does not fit the model's task */
export function settleMetrics(
  { definition }: Pick<Model, 'definition'>,
  { metrics, metricForBest, earlyStopping, validation }: SettledTrainOptions,
): ValidationMetrics {
  const deciding = (name: string, where: string): DecidingMetric => {
    requireMetrics([name], definition, where)
    return { name, greaterIsBetter: greaterIsBetter(name, definition) }
  }
  const best = deciding(metricForBest, 'options.metricForBest')
  const stopping =
    earlyStopping?.metric === undefined ? best : deciding(earlyStopping.metric, 'options.earlyStopping.metric')
  // Answers are compared as texts, which only a dataset has.
  const lossOnly = definition.task === 'question-answering' && !(validation instanceof Dataset)
  const asked = lossOnly && metrics === undefined ? [] : requireMetrics(metrics, definition)
  const names = [...new Set(['loss', ...asked, best.name, stopping.name])]
  const unfit = lossOnly ? names.find((name) => name !== 'loss') : undefined
  if (unfit === undefined) return { names, best, stopping }
  const message = `'${unfit}' compares answers as texts, so options.validation has to be a Dataset; of encoded rows there is the loss`
  throw new AttuneError('invalid-option', message, { where: 'options.validation' })
}

/** The validation rows, encoded, and what is measured on them; nothing where there are none. */
export async function prepareValidation(
  model: Model,
  options: SettledTrainOptions,
  signal: AbortSignal | undefined,
): Promise<{ readonly validation: PreparedData | undefined; readonly metrics: ValidationMetrics | undefined }> {
  const { validation: rows } = options
  if (rows === undefined || rows.length === 0) return { validation: undefined, metrics: undefined }
  const validation = await prepareData(rows, model, { ...encodingOf(options), signal }, 'options.validation')
  return { validation, metrics: settleMetrics(model, options) }
}

export interface Validation {
  readonly metrics: Readonly<Record<string, number>>
  /** What has a label: tokens, or rows. */
  readonly tokens: number
}

/** Measures without dropout, label smoothing or weights. */
export async function validate(
  model: Model,
  examples: ExampleList,
  options: {
    readonly names: readonly string[]
    readonly tokensPerBatch: number
    /** Of the dataset that the examples are of. */
    readonly rows?: readonly DatasetRow[] | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<Validation> {
  const { names, ...streaming } = options
  const measured = await measureExamples(model, examples, { metrics: names, ...streaming })
  return { metrics: measured.metrics, tokens: measured.targets }
}
