/** Which metrics a model has: a table of names by task and problem type. */
import { AttuneError } from '../errors.js'
import { suggestion } from '../nearest.js'
import { withMeasure, type MeasuredModel } from './tasks/index.js'

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
  const known = metricNames(model)
  names.forEach((name, i) => {
    if (known.includes(name)) return
    const of = withMeasure(model, (measure) => measure.name)
    const message = `${where}[${i}]: there is no metric '${name}' for ${of}.${suggestion(name, known)} There are: ${known.join(', ')}`
    throw new AttuneError('invalid-option', message, { where: `${where}[${i}]` })
  })
  return [...new Set(names)]
}
