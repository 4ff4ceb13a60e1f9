import type { DataFinding } from '../data/encoded-task.js'
import { Dataset } from '../data/dataset.js'
import { classRows, countRows, type LabelledData } from '../data/label-findings.js'
import { classChecks, findingsOf } from '../inspect/class-checks.js'
import { inspectRows } from '../inspect/row-checks.js'
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

/** What is doubtful about a run's size. */
export function planWarnings(
  plan: Pick<TrainingPlan, 'rows' | 'tokens' | 'epochs' | 'steps' | 'truncated' | 'truncatedTokens' | 'skipped'>,
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
    const length = maxLength === undefined ? 'the length the model takes' : `${maxLength} tokens`
    warn('truncated-rows', cutRows(plan, ` to ${length}`))
  }
  if (plan.skipped > 0) warn('skipped-rows', `${plan.skipped} rows were left out: too long, or without a label.`)
  return warnings
}

/** `tokens`: of all rows, after they were cut. */
export function cutRows(
  { truncated, truncatedTokens, rows, tokens }: Pick<TrainingPlan, 'truncated' | 'truncatedTokens' | 'rows' | 'tokens'>,
  limit = '',
): string {
  const share = ((100 * truncatedTokens) / (tokens + truncatedTokens)).toFixed(1)
  const lost = `${truncatedTokens.toLocaleString('en')} tokens, ${share} %, are never seen`
  return `${truncated} of ${rows} rows were cut${limit}: ${lost}.`
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

/** What is doubtful about the rows: what encoding them found, their classes, and what `attune inspect` would say of them. */
export function dataWarnings(
  train: LabelledData & { readonly findings: readonly DataFinding[] },
  validation: LabelledData | undefined,
  options: Pick<SettledTrainOptions, 'classWeights' | 'positiveWeights' | 'train' | 'validation'>,
): Warning[] {
  const { classWeights, positiveWeights } = options
  const kind = kinds[train.problemType ?? 'tags']
  const weighed = classWeights !== undefined || positiveWeights !== undefined
  const rows = options.train instanceof Dataset ? options.train : undefined
  const validated = options.validation instanceof Dataset ? options.validation : undefined
  return [
    ...findingsOf(train.findings),
    ...classChecks(classRows(train, validation), { kind, rows: countRows(train.examples), weighed }),
    ...(rows === undefined ? [] : inspectRows(rows, validated)),
  ].flatMap(({ code, severity, message, advice }) =>
    severity === 'note' ? [] : [{ code, message: `${message} ${advice}` }],
  )
}

const kinds = {
  single_label_classification: 'single',
  multi_label_classification: 'several',
  regression: 'single',
  tags: 'tags',
} as const
