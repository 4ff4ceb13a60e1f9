/** An evaluation as people read it on a terminal. */
import type { BaselineReport, EvaluationReport } from '../evaluate/report.js'
import type { ClassReport } from '../evaluate/tasks/class-report.js'
import { pValue } from '../page/figures.js'
import { duration, percent, quantity } from './amounts.js'
import { notWhole } from './not-whole.js'
import { table } from './table.js'

/** Tables of more classes than this show the worst ones, and no confusion matrix is printed. */
const classesShown = 12
const mistakesShown = 5
const textShown = 72

export function describeEvaluation(report: EvaluationReport): string {
  const { rows, targets, data, run } = report
  const counted = targets === rows ? '' : `, ${quantity(targets)} labelled tokens`
  const fitted = notWhole(report)
  const cut = fitted.map((part) => `, ${part}`).join('')
  const from = data.files.length > 0 ? ` of ${data.files.join(', ')}` : ''
  return [
    metricTable(report),
    `over ${rows} rows${from}${counted}${cut}, in ${duration(run.seconds)}\n`,
    ...Object.entries(report.baselines).map(([name, baseline]) => describeBaseline(name, baseline)),
    ...details(report),
    mistakes(report),
    ...report.warnings.map(({ message }) => `warning: ${message}\n`),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

/** A line a metric: its value, its interval, and what the baselines have. */
function metricTable({ metrics, intervals, baselines, run, custom }: EvaluationReport): string {
  const { confidence } = run.options
  const interval = typeof confidence === 'number' ? [`${percent(confidence).replace('.0%', '%')} interval`] : []
  const others = Object.entries(baselines)
  const heads = ['', 'model', ...interval, ...others.map(([name]) => name)]
  const lines = Object.entries(metrics).map(([name, value]) => {
    const range = (intervals as Record<string, { low: number; high: number } | undefined> | undefined)?.[name]
    return [
      name,
      figure(value),
      ...interval.map(() => (range === undefined ? '' : `${figure(range.low)} to ${figure(range.high)}`)),
      ...others.map(([, baseline]) => figure(baseline.metrics[name])),
    ]
  })
  const own = Object.entries(custom ?? {}).map(([name, value]) => [
    name,
    typeof value === 'number' ? figure(value) : JSON.stringify(value),
  ])
  return table([heads, ...lines, ...own], { numbers: true })
}

function describeBaseline(name: string, { description, comparisons = {}, mcnemar }: BaselineReport): string {
  const differences = Object.entries(comparisons).map(([metric, { difference, pValue: p }]) => [
    `  ${metric}`,
    signed(difference.value),
    `${signed(difference.low)} to ${signed(difference.high)}`,
    pValue(p),
  ])
  const rows =
    mcnemar === undefined
      ? ''
      : `  rows that only the model has right: ${mcnemar.onlySecond}; that only ${name} has right: ${mcnemar.onlyFirst} (McNemar's test: ${pValue(mcnemar.pValue)})\n`
  const gained = differences.length === 0 ? '' : table(differences, { numbers: true })
  return `${name}: ${description}\n${rows}${gained}`
}

function details(report: EvaluationReport): string[] {
  switch (report.task) {
    case 'sequence-classification':
      if (report.problemType === 'regression') return []
      if (report.problemType === 'multi_label_classification') {
        return [classTable(report.details.perLabel, ({ bestThreshold }) => bestThreshold.threshold)]
      }
      return [classTable(report.details.perClass), confusion(report.details.confusionMatrix)]
    case 'token-classification': {
      const { entities, perClass } = report.details
      if (entities === undefined) return [classTable(perClass)]
      return [classTable(entities.perType.map((one) => ({ ...one, label: one.type, f1: one.fScore })))]
    }
    case 'question-answering': {
      const { hasAnswer, noAnswer } = report.details
      const parts = Object.entries({ 'with an answer': hasAnswer, 'without one': noAnswer })
      const lines = parts.flatMap(([name, part]) =>
        part === undefined ? [] : [[name, figure(part.exactMatch / 100), figure(part.f1 / 100), String(part.rows)]],
      )
      return [table([['questions', 'exact-match', 'f1', 'rows'], ...lines], { numbers: true })]
    }
    case 'embedding': {
      const lines = Object.entries(report.details).map(([name, { mean, standardDeviation, min, max }]) => [
        name,
        ...[mean, standardDeviation, min, max].map(figure),
      ])
      return [table([['cosine similarity to', 'mean', 'deviation', 'least', 'most'], ...lines], { numbers: true })]
    }
    case 'causal-lm':
    case 'masked-lm':
    case 'seq2seq-lm':
      return []
  }
}

function classTable<Line extends ClassReport>(lines: readonly Line[], threshold?: (line: Line) => number): string {
  const some = lines.length > classesShown
  const shown = some
    ? lines
        .filter(({ support }) => support > 0)
        .sort((a, b) => a.f1 - b.f1)
        .slice(0, classesShown)
    : lines
  const heads = ['class', 'precision', 'recall', 'f1', 'rows', ...(threshold === undefined ? [] : ['best threshold'])]
  const cells = shown.map((line) => [
    short(line.label, 40),
    ...[line.precision, line.recall, line.f1].map(figure),
    String(line.support),
    ...(threshold === undefined ? [] : [figure(threshold(line))]),
  ])
  const title = some ? `the ${shown.length} of ${lines.length} classes with the lowest f1\n` : ''
  return title + table([heads, ...cells], { numbers: true })
}

function confusion({
  classes,
  counts,
}: {
  classes: readonly string[]
  counts: readonly (readonly number[])[]
}): string {
  if (classes.length > classesShown) return ''
  const names = classes.map((name) => short(name, 16))
  const lines = counts.map((line, i) => [names[i] ?? '', ...line.map(String)])
  return `rows: the label, columns: the prediction\n${table([['', ...names], ...lines], { numbers: true })}`
}

function mistakes({ worst }: EvaluationReport): string {
  if (worst.length === 0) return ''
  const lines = worst.slice(0, mistakesShown).map((record) => {
    const { origin, text = '', loss } = record
    return [`  ${origin}`, `loss ${figure(loss)}`, said(record), short(text.replace(/\s+/g, ' '), textShown)]
  })
  return `highest losses\n${table(lines)}`
}

interface SaidRecord {
  readonly label?: string
  readonly answers?: readonly string[]
  readonly prediction: string
}

const none = '(no answer)'

/** Label and prediction, where a record has one of each. */
function said(record: object): string {
  if (!('prediction' in record)) return ''
  const { label, answers, prediction } = record as SaidRecord
  const named = (text: string | undefined): string => short(text === '' ? none : (text ?? none), 24)
  return `${named(label ?? answers?.[0])} → ${named(prediction)}`
}

function figure(value: number | undefined): string {
  if (value === undefined) return ''
  if (Number.isNaN(value)) return 'undefined'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞'
  return Math.abs(value) >= 1000 ? quantity(value) : value.toFixed(Math.abs(value) >= 10 ? 2 : 4)
}

function signed(value: number): string {
  return value > 0 ? `+${figure(value)}` : figure(value)
}

function short(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
