/** What could be done otherwise: about how much there is to learn from, and how it is learned. */
import type { Model } from '../models/model.js'
import type { PlanSuggestion } from './plan-suggestion.js'
import type { SettledTrainOptions } from './train-options.js'
import type { TrainingPlan } from './training-plan.js'

/** Below this, examples in a prompt do as much, and cost nothing. */
const promptRows = 50
const goodStart = 200
const manyEpochs = 10
const usualEpochs = 3
const fewSteps = 20
/** Share of the steps. */
const longWarmup = 0.2
const usualWarmup = 0.1
/** Share of tokens or labels that the model has right before it is trained, from which on training has little to add. */
const answers = { 'causal-lm': 0.9, 'seq2seq-lm': 0.9, 'masked-lm': 0.9 } as const
const answersLabels = 0.95

export function runSuggestions(
  plan: TrainingPlan,
  options: SettledTrainOptions,
  model: Pick<Model, 'task' | 'adapter' | 'initialized' | 'problemType'>,
): PlanSuggestion[] {
  return [
    ...aboutPrompting(plan, model),
    ...aboutEpochs(plan, options),
    ...aboutSteps(plan, options),
    ...aboutRate(plan, options, model),
    ...aboutLabels(plan, model),
  ]
}

function aboutPrompting({ rows, base }: TrainingPlan, { task }: Pick<Model, 'task'>): PlanSuggestion[] {
  const found: PlanSuggestion[] = []
  if (rows < promptRows) {
    const message = `${rows} rows are fewer than ${promptRows}: prompt first. Put some of them into the prompt of a capable model and see how far that goes; train when it is not enough, with some hundred rows.`
    found.push({ code: 'prompt-first', message })
  } else if (rows < goodStart) {
    found.push({
      code: 'more-rows',
      message: `${rows} rows are few: some hundred are a good start, and good ones count more than many.`,
    })
  }
  const accuracy = base?.metrics.accuracy
  const enough = task in answers ? answers[task as keyof typeof answers] : answersLabels
  if (base !== undefined && accuracy !== undefined && accuracy >= enough) {
    const what = task in answers ? 'tokens that the rows want' : 'labels'
    const message = `the model answers already: ${percent(accuracy)} of the ${what} are what it finds likeliest, on ${base.rows} ${base.on} rows (from ${percent(enough)} on there is little to gain). Prompting it is wiser than training, unless the last few percent matter.`
    found.push({ code: 'base-answers', message })
  }
  return found
}

function aboutEpochs({ epochs, stepsPerEpoch }: TrainingPlan, { maxSteps }: SettledTrainOptions): PlanSuggestion[] {
  if (epochs <= manyEpochs) return []
  const change = maxSteps === undefined ? { epochs: usualEpochs } : { maxSteps: usualEpochs * stepsPerEpoch }
  const message = `${Number(epochs.toFixed(1))} epochs are many: the model would learn its rows by heart. ${usualEpochs} are usual.`
  return [{ code: 'fewer-epochs', message, change }]
}

function aboutSteps(plan: TrainingPlan, options: SettledTrainOptions): PlanSuggestion[] {
  const { steps, warmupSteps, rows, epochs } = plan
  const found: PlanSuggestion[] = []
  if (steps < fewSteps && options.maxSteps === undefined) {
    const size = Math.max(1, Math.floor((rows * epochs) / fewSteps))
    const change =
      options.batchSize !== undefined && size < options.batchSize
        ? { batchSize: size, gradientAccumulationSteps: 1 }
        : { gradientAccumulationSteps: 1, epochs: Math.ceil((epochs * fewSteps) / steps) }
    found.push({ code: 'more-steps', message: `${steps} steps are few to learn in.`, change })
  }
  if (steps >= fewSteps && warmupSteps > longWarmup * steps) {
    const change = { warmupSteps: Math.ceil(usualWarmup * steps) }
    const message = `${warmupSteps} of ${steps} steps are warm-up, ${percent(warmupSteps / steps)} of the run: a tenth at most is usual.`
    found.push({ code: 'shorter-warmup', message, change })
  }
  return found
}

/** Rates that are usual: [from, to, the default]. A model of random weights has none; small models bear more. */
function usualRates(
  { parameters }: TrainingPlan,
  { freeze }: SettledTrainOptions,
  { adapter, initialized }: Pick<Model, 'adapter' | 'initialized'>,
): readonly [number, number, number] {
  if (adapter !== undefined) return [2e-5, 2e-3, 2e-4]
  const few = parameters.total < 5e7 || freeze === 'head' || initialized.length > 10
  return [5e-7, few ? 5e-3 : 3e-4, 5e-5]
}

function aboutRate(
  plan: TrainingPlan,
  options: SettledTrainOptions,
  model: Pick<Model, 'adapter' | 'initialized'>,
): PlanSuggestion[] {
  const [from, to, usual] = usualRates(plan, options, model)
  const { learningRate } = plan
  if (learningRate >= from && learningRate <= to) return []
  const what = model.adapter === undefined ? 'training the model itself' : 'an adapter'
  const effect = learningRate > to ? 'it may forget what it knows, or diverge' : 'it may hardly learn'
  const message = `a learning rate of ${learningRate} is unusual for ${what} (${from} to ${to}): ${effect}.`
  return [{ code: 'learning-rate', message, change: { learningRate: usual } }]
}

function aboutLabels({ warnings }: TrainingPlan, { problemType }: Pick<Model, 'problemType'>): PlanSuggestion[] {
  const found = warnings.find(({ code }) => code === 'imbalanced-classes')
  if (found === undefined) return []
  const change =
    problemType === 'multi_label_classification'
      ? { positiveWeights: 'balanced' as const }
      : { classWeights: 'balanced' as const }
  return [{ code: 'balanced-classes', message: found.message, change }]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
