/** Which metrics a model has: a table of names by task and problem type. */
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import type { Task } from '../task.js'
import type { TextMetric } from './report.js'
import { withMeasure, type MeasuredModel } from './tasks/index.js'
import { textMetrics } from './tasks/texts.js'

/** Names of all metrics that fit the model's task and problem type. */
export function metricNames(model: MeasuredModel): readonly string[] {
  return withMeasure(model, ({ metrics }) => Object.keys(metrics))
}

/** Those that are measured where none are named. */
export function defaultMetrics(model: MeasuredModel): readonly string[] {
  return withMeasure(model, ({ usual }) => usual(model.labels))
}

/** Whether a greater value is a better one. @throws AttuneError 'invalid-option' for a metric that does not fit */
export function greaterIsBetter(name: string, model: MeasuredModel): boolean {
  const [metric = name] = requireMetrics([name], model)
  return withMeasure(model, ({ metrics }) => metrics[metric]?.greaterIsBetter ?? true)
}

/** Tasks whose models write, and what is measured of it where no metrics are named. */
const usualTextMetrics: Readonly<Partial<Record<Task, readonly TextMetric[]>>> = {
  'causal-lm': ['exact-match', 'rougeL', 'bleu', 'chrf'],
  'seq2seq-lm': ['exact-match', 'rougeL', 'bleu', 'chrf'],
}

export interface SettledMetrics {
  /** Of what the model says of given rows. */
  readonly task: readonly string[]
  /** Of what it writes. */
  readonly texts: readonly string[]
}

/**
 * The metrics of an evaluation, parted by what they are measured on.
 * @throws AttuneError 'invalid-option' for a metric that does not fit the task, or 'generate' where the model does not write
 */
export function settleMetrics(
  names: readonly string[] | undefined,
  generate: boolean,
  model: MeasuredModel,
): SettledMetrics {
  const usual = usualTextMetrics[model.task]
  if (generate && usual === undefined) {
    const message = `options.generate is for language models that write: this model was loaded for ${model.task}`
    throw new AttuneError('invalid-option', message, { where: 'options.generate' })
  }
  const ofTexts = usual === undefined ? [] : Object.keys(textMetrics)
  const known = [...metricNames(model), ...ofTexts]
  const all = names === undefined ? [...defaultMetrics(model)] : requireKnown(names, known, model, 'options.metrics')
  const texts = all.filter((name) => ofTexts.includes(name))
  return {
    task: all.filter((name) => !ofTexts.includes(name)),
    texts: texts.length === 0 && generate ? (usual ?? []) : texts,
  }
}

/**
 * The names, or the usual ones where none are given.
 * @throws AttuneError 'invalid-option' for a metric that does not fit the task, naming those that do
 */
export function requireMetrics(
  names: readonly string[] | undefined,
  model: MeasuredModel,
  where = 'options.metrics',
): readonly string[] {
  if (names === undefined) return defaultMetrics(model)
  return requireKnown(names, metricNames(model), model, where)
}

function requireKnown(
  names: readonly string[],
  known: readonly string[],
  model: MeasuredModel,
  where: string,
): readonly string[] {
  names.forEach((name, i) => {
    if (known.includes(name)) return
    const of = withMeasure(model, (measure) => measure.name)
    const message = `${where}[${i}]: there is no metric '${name}' for ${of}.${suggestion(name, known)} There are: ${known.join(', ')}`
    throw new AttuneError('invalid-option', message, { where: `${where}[${i}]` })
  })
  return [...new Set(names)]
}
