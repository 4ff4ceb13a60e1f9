/** Names of what a model predicts, from the caller or from `id2label`. */
import { AttuneError } from '../errors.js'
import type { ConfigJson } from './family.js'
import { problemTypes, type ProblemType, type Task } from '../task.js'
import type { TaskRequest } from './task.js'

export interface LabelSet {
  readonly labels: readonly string[]
  readonly problemType: ProblemType | undefined
}

/** Hugging Face's own, where nothing is said. */
const defaultLabelCount = 2

export function settleLabels(config: ConfigJson, task: Task, request: TaskRequest): LabelSet {
  if (task !== 'sequence-classification' && task !== 'token-classification') {
    for (const option of ['labels', 'problemType'] as const) {
      if (request[option] === undefined) continue
      throw new AttuneError('invalid-option', `Labels belong to classification: the task is ${task}.`, {
        where: `options.${option}`,
      })
    }
    return { labels: [], problemType: undefined }
  }
  if (task === 'token-classification') {
    if (request.problemType !== undefined) {
      const message = `problemType belongs to sequence-classification: the task is ${task}.`
      throw new AttuneError('invalid-option', message, { where: 'options.problemType' })
    }
    return { labels: labelNames(config, request, defaultLabelCount), problemType: undefined }
  }
  const asked = request.problemType ?? storedProblemType(config)
  const labels = labelNames(config, request, asked === 'regression' ? 1 : defaultLabelCount)
  const problemType = asked ?? (labels.length === 1 ? 'regression' : 'single_label_classification')
  if (problemType === 'single_label_classification' && labels.length < 2) {
    throw new AttuneError('invalid-option', 'A single-label classifier needs two labels or more.', {
      where: 'options.labels',
    })
  }
  return { labels, problemType }
}

function labelNames(config: ConfigJson, { labels }: TaskRequest, usual: number): readonly string[] {
  if (Array.isArray(labels)) {
    const names = labels as readonly string[]
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (names.length > 0 && twice === undefined) return names
    const message = names.length === 0 ? 'Expected at least one label.' : `The label "${twice}" comes twice.`
    throw new AttuneError('invalid-option', message, { where: 'options.labels' })
  }
  if (typeof labels === 'number') return numbered(labels)
  const stored = config.id2label
  if (typeof stored !== 'object' || stored === null) {
    return numbered(typeof config.num_labels === 'number' ? config.num_labels : usual)
  }
  const entries = Object.entries(stored as Record<string, unknown>)
  return entries.map((_, i) => {
    const name = (stored as Record<string, unknown>)[String(i)]
    if (typeof name === 'string') return name
    throw new AttuneError('invalid-config', `Expected names for 0 to ${entries.length - 1}, but ${i} has none.`, {
      where: 'config.json.id2label',
    })
  })
}

function storedProblemType({ problem_type: stored }: ConfigJson): ProblemType | undefined {
  if (stored === null || stored === undefined) return undefined
  const known = problemTypes.find((type) => type === stored)
  if (known !== undefined) return known
  throw new AttuneError('invalid-config', `Expected one of ${problemTypes.join(', ')}.`, {
    where: 'config.json.problem_type',
  })
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `LABEL_${i}`)
}

/** The configuration's fields that say what the head predicts. */
export function labelFields({ labels, problemType }: LabelSet): Record<string, unknown> {
  if (labels.length === 0) return {}
  return {
    id2label: Object.fromEntries(labels.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(labels.map((name, i) => [name, i])),
    ...(problemType === undefined ? {} : { problem_type: problemType }),
  }
}
