/** A plan as a table of 80 columns, and below it what one should know. */
import type { PlanChange, PlanSuggestion, SuggestionCode } from '../train/plan-suggestion.js'
import type { TimeEstimate, TrainingPlan } from '../train/training-plan.js'
import type { WarningCode } from '../train/warning-code.js'
import { bytes, duration, operations, percent, quantity, rate } from './amounts.js'
import { flagName } from './flags.js'
import { notWhole } from './not-whole.js'
import { table } from './table.js'
import { wrap } from './wrap.js'

/** From so much on, the slowest quarter of the measured steps beside the fastest is worth telling. */
const unevenPace = 1.2

/** The table alone. `from`: the step that a resumed run goes on from. */
export function planTable(plan: TrainingPlan, from = 0): string {
  const { parameters, memory, process } = plan
  const fresh = plan.warmupSteps === 0 ? '' : `, ${plan.warmupSteps} of them warm-up`
  const going = from === 0 ? '' : `, going on from step ${from}`
  const rows: [string, string][] = [
    [
      'trained',
      `${quantity(parameters.trained)} of ${quantity(parameters.total)} parameters (${percent(parameters.trained / parameters.total)})`,
    ],
    ...rowsOf(plan, `${fresh}${going}`),
    ['rate', `${rate(plan.learningRate)} at most`],
    ...workOf(plan),
    ...timeRows(plan),
    ['memory', `${isStream(plan) ? 'at most ' : ''}${bytes(process.total)}${memoryLeft(plan)}`],
    ['  parameters', bytes(memory.parameters)],
    ['  gradients', bytes(memory.gradients)],
    ['  optimizer', bytes(memory.optimizer)],
    ['  activations', `${bytes(memory.activations)}, for ${quantity(plan.largestBatch.tokens)} tokens at once`],
    ...(plan.gradientCheckpointing
      ? [['', 'each layer is computed again in the backward pass'] as [string, string]]
      : []),
    ...(memory.states === 0 ? [] : [['  states', bytes(memory.states)] as [string, string]]),
    ...(process.best === 0
      ? []
      : [['  best weights', `${bytes(process.best)}, kept for want of --output`] as [string, string]]),
    ['  process', `${bytes(process.baseline)} beside the model`],
    ...baseRows(plan),
    plan.device === 'cuda' ? ['gpu', plan.hardware] : ['processor', `${plan.hardware}, ${plan.threads} threads`],
  ]
  return table(rows)
}

/** Of a stream nobody knows how many rows there are. */
function isStream({ rows }: TrainingPlan): boolean {
  return Number.isNaN(rows)
}

function rowsOf(plan: TrainingPlan, more: string): [string, string][] {
  const validation = plan.validationRows === 0 ? '' : `, ${plan.validationRows} to validate`
  if (isStream(plan)) {
    return [
      ['rows', `a stream to train on${validation}`],
      ['steps', `${plan.steps}${more}`],
    ]
  }
  const whole = notWhole(plan).join(', ')
  return [
    ['rows', `${plan.rows} to train on${validation}`],
    ...(whole === '' ? [] : [['  of them', whole] as [string, string]]),
    [
      'tokens',
      `${quantity(plan.tokens)} an epoch, ${quantity(plan.labelledTokens)} with a label; ${plan.longest} in the longest row`,
    ],
    ['steps', `${plan.steps} over ${Number(plan.epochs.toFixed(2))} epochs${more}`],
  ]
}

function workOf(plan: TrainingPlan): [string, string][] {
  if (isStream(plan)) return []
  const { total, products, attention, elements } = plan.work
  const share = (part: number): string => percent(part / Math.max(1, total))
  const kinds = `products ${share(products)}, attention ${share(attention)}, else ${share(elements)}`
  return [['work', `${operations(total)}: ${kinds}`]]
}

/** The table, the warnings and the suggestions. */
export function describePlan(plan: TrainingPlan): string {
  const suggestions = plan.suggestions ?? []
  const suggested = new Set(suggestions.map(({ code }) => code))
  const warnings = plan.warnings.filter(({ code }) => !isToldBy(code, suggested))
  const lines = [
    ...warnings.map(({ message }) => wrap(`warning: ${message}`, { indent: 2 })),
    ...suggestions.map((suggestion) => wrap(`suggestion: ${suggestionText(suggestion)}`, { indent: 2 })),
  ]
  return `${planTable(plan)}${lines.length === 0 ? '' : `\n${lines.join('\n')}\n`}`
}

function suggestionText({ message, change }: PlanSuggestion): string {
  return change === undefined ? message : `${message} ${flagsOf(change)}`
}

/** The change as it is typed. */
function flagsOf(change: PlanChange): string {
  return Object.entries(change)
    .map(([key, value]) =>
      key === 'adapter'
        ? '--lora'
        : `--${flagName('', key)} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(' ')
}

/** Warnings that a suggestion says too. */
function isToldBy(code: WarningCode, suggested: ReadonlySet<SuggestionCode>): boolean {
  const by: Partial<Record<WarningCode, readonly SuggestionCode[]>> = {
    'few-rows': ['prompt-first', 'more-rows'],
    'many-epochs': ['fewer-epochs'],
    'few-steps': ['more-steps'],
    'imbalanced-classes': ['balanced-classes'],
  }
  return by[code]?.some((suggestion) => suggested.has(suggestion)) ?? false
}

function timeRows({ time }: TrainingPlan): [string, string][] {
  if (time === undefined) return []
  const parts = [
    `training ${duration(time.training)}`,
    ...(time.validation === 0 ? [] : [`validation ${duration(time.validation)}`]),
    ...(time.saving === 0 ? [] : [`saving ${duration(time.saving)}`]),
  ]
  const from = `${time.measured.length} step${time.measured.length === 1 ? '' : 's'}`
  return [
    [
      'time',
      `about ${duration(time.seconds)}, estimated from ${from} that ${time.measured.length === 1 ? 'was' : 'were'} measured`,
    ],
    ...(parts.length === 1 ? [] : [['', parts.join(', ')] as [string, string]]),
    ...paceRows(time),
  ]
}

/** Where the machine itself was fast and slow in turns, no estimate is better than that. */
function paceRows({ seconds, training, pace }: TimeEstimate): [string, string][] {
  if (pace.slowest < unevenPace * pace.fastest) return []
  const [from, to] = [pace.fastest, pace.slowest].map((factor) => duration(seconds + training * (factor - 1)))
  return [['', `the machine's own pace varied meanwhile: from ${from} to ${to}`]]
}

function memoryLeft({ process: { total, free, resident } }: TrainingPlan): string {
  const room = resident + free
  return total <= room ? ` of the ${bytes(room)} that can be had` : `, but only ${bytes(room)} can be had`
}

function baseRows({ base }: TrainingPlan): [string, string][] {
  if (base === undefined) return []
  const shown = Object.entries(base.metrics).slice(0, 3)
  const metrics = shown.map(([name, value]) => `${name} ${value.toFixed(value < 10 ? 3 : 1)}`).join(', ')
  return [['before', `${metrics} on ${base.rows} ${base.on} rows`]]
}
