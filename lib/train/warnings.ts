import type { DataFinding } from '../data/encoded-task.js'
import { labelCounts, labelFindings, type LabelledData } from '../data/label-findings.js'
import type { Model } from '../models/model.js'
import type { TrainingPlan } from './training-plan.js'
import type { SettledTrainOptions } from './train-options.js'
import type { WarningCode } from './warning-code.js'

export interface Warning {
  readonly code: WarningCode
  readonly message: string
}

// Below this, a handful of rows decides what is learned.
const fewRows = 50
const manyEpochs = 10
const fewSteps = 20
/** Findings of one kind that are told one by one. */
const findingsShown = 3

/** What is doubtful about a run's size. */
export function planWarnings(
  plan: Pick<TrainingPlan, 'rows' | 'epochs' | 'steps' | 'truncated' | 'skipped'>,
  { maxLength }: Pick<SettledTrainOptions, 'maxLength'>,
): Warning[] {
  const warnings: Warning[] = []
  const warn = (code: WarningCode, message: string): number => warnings.push({ code, message })
  if (plan.rows < fewRows)
    warn('few-rows', `${plan.rows} rows are few: the model may learn them by heart. Some hundred are a good start.`)
  if (plan.epochs > manyEpochs) {
    warn(
      'many-epochs',
      `${Number(plan.epochs.toFixed(1))} epochs are many: watch the validation loss, or set earlyStopping.`,
    )
  }
  if (plan.steps < fewSteps) warn('few-steps', `${plan.steps} steps are few: try a smaller batchSize or more epochs.`)
  if (plan.truncated > 0) {
    const length = maxLength ?? 'the length the model takes'
    warn('truncated-rows', `${plan.truncated} of ${plan.rows} rows were cut to ${length} tokens.`)
  }
  if (plan.skipped > 0) warn('skipped-rows', `${plan.skipped} rows were left out: too long, or without a label.`)
  return warnings
}

/** A head that starts with random values on a body that does not. */
export function headWarnings(model: Pick<Model, 'initialized' | 'parameters'>): Warning[] {
  const { initialized } = model
  const fresh = new Set(initialized)
  const all = [...model.parameters()].every(({ name }) => fresh.has(name) || name.startsWith('base_model.'))
  if (fresh.size === 0 || all) return []
  const message = `${initialized.join(', ')}: the checkpoint has no such head, so it starts with random values and is learned from these rows.`
  return [{ code: 'new-head', message }]
}

/** What is doubtful about the rows: what encoding them found, and their classes. */
export function dataWarnings(
  train: LabelledData & { readonly findings: readonly DataFinding[] },
  validation: LabelledData | undefined,
  { classWeights, positiveWeights }: Pick<SettledTrainOptions, 'classWeights' | 'positiveWeights'>,
): Warning[] {
  const weighed = classWeights !== undefined || positiveWeights !== undefined
  return [...summarized([...train.findings, ...labelFindings(train, validation)]), ...(weighed ? [] : imbalance(train))]
}

/** A model of many labels has as many findings: after a few of a kind the rest is counted. */
function summarized(findings: readonly DataFinding[]): Warning[] {
  const codes = [...new Set(findings.map(({ code }) => code))]
  return codes.flatMap((code) => {
    const messages = findings.filter((finding) => finding.code === code).map(({ message }) => message)
    const more = messages.length - findingsShown
    const shown = more > 1 ? messages.slice(0, findingsShown) : messages
    return [{ code, message: `${shown.join('; ')}${more > 1 ? `; and ${more} more such labels` : ''}.` }]
  })
}

// At ten to one, always saying the frequent class is right nine times out of ten: the rare one is easily never said.
const imbalanced = 10

/** Of single labels and many labels; of tags the one for "nothing" is always by far the most frequent. */
function imbalance(data: LabelledData): Warning[] {
  const { problemType, labels, examples } = data
  if (problemType === undefined || problemType === 'regression') return []
  const counts = labelCounts(data)
  const single = problemType === 'single_label_classification'
  const rare = counts.flatMap((count, index) => {
    const others = single ? Math.max(...counts) : examples.length - count
    return count > 0 && others >= imbalanced * count ? [{ name: labels[index], count }] : []
  })
  const [first] = rare.sort((a, b) => a.count - b.count)
  if (first === undefined) return []
  const more = rare.length > 1 ? ` and ${rare.length - 1} more` : ''
  const option = single ? 'classWeights' : 'positiveWeights'
  const message = `label '${first.name}' has ${first.count} of ${examples.length} rows${more}: rare labels are easily never predicted. ${option}: 'balanced' helps.`
  return [{ code: 'imbalanced-classes', message }]
}
