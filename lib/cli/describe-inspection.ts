/** An inspection as people read it on a terminal. */
import { counted, countedThat } from '../inspect/counted.js'
import type { Finding, FindingPlace, Severity } from '../inspect/finding.js'
import type { InspectionReport } from '../inspect/inspection-report.js'
import type { ShownExample } from '../inspect/show-row.js'
import { percent } from './amounts.js'
import { bar } from './bar.js'
import { painter, type Color } from './paint.js'
import { printable, printableLine } from './printable.js'
import { table } from './table.js'

const barWidth = 32
const labelsShown = 12
const longestShown = 3
const placesShown: Readonly<Record<Severity, number>> = { error: 5, warning: 3, note: 3 }
const rowsOfReasonShown = 3
const textShown = 180

const colorOf: Readonly<Record<Severity, Color>> = { error: 'red', warning: 'yellow', note: 'cyan' }

export function describeInspection(report: InspectionReport, { colors = false } = {}): string {
  const paint = painter(colors)
  const title = (text: string): string => `${paint('bold', text)}\n`
  const parts = [
    report.files
      .map(({ path }) => path)
      .filter((path) => path !== '')
      .map((path) => title(printable(path)))
      .join('') + overview(report),
    report.examples
      .map((example, at) => title(`example ${at + 1} of ${example.origin}`) + shown(example, colors))
      .join('\n'),
    section(title(`${report.unit} per example`), histogram(report)),
    section(title('longest rows'), longest(report)),
    section(title('labels'), labels(report)),
    section(title('findings'), report.findings.map((finding) => described(finding, paint)).join('')),
    `${paint(report.counts.error > 0 ? 'red' : report.counts.warning > 0 ? 'yellow' : 'green', report.verdict)}\n`,
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function section(title: string, text: string): string {
  return text === '' ? '' : title + text
}

function overview(report: InspectionReport): string {
  const { rows, validationRows, testRows, unreadable, ignoredFields, lengths, unit, trained, truncation, hosted } =
    report
  const lines: [string, string][] = [
    ['read as', report.reading],
    [
      'rows',
      [
        count(rows),
        ...(validationRows > 0 ? [`${count(validationRows)} to validate on`] : []),
        ...(testRows > 0 ? [`${count(testRows)} to test on`] : []),
        ...(unreadable > 0 ? [`${count(unreadable)} that cannot be read`] : []),
      ].join(', '),
    ],
  ]
  if (ignoredFields.length > 0) {
    const names = ignoredFields.map(({ name }) => name)
    lines.push(['not read', printableLine(names.join(', '), textShown)])
  }
  if (lengths !== undefined) {
    const learned = trained === undefined ? '' : `, ${count(trained)} of them trained`
    const ofRows = report.task === 'causal-lm' || report.task === 'seq2seq-lm' ? learned : ''
    lines.push([unit, `${count(lengths.total)} an epoch${ofRows}`])
    const { mean, median, p95, min, max } = lengths
    lines.push([
      'an example',
      `mean ${count(Math.round(mean))}, median ${count(Math.round(median))}, 95 % up to ${count(Math.round(p95))}, from ${count(min)} to ${count(max)}`,
    ])
  }
  if (truncation !== undefined) {
    const windows = truncation.windows === undefined ? '' : `: ${count(truncation.windows)} windows`
    const none = `no row is longer than ${count(truncation.maxLength)}`
    const says = `are longer than ${count(truncation.maxLength)}, by ${counted(truncation.tokens, 'token')} in all${windows}`
    const some = countedThat(truncation.rows, 'row', says)
    lines.push(['at most', truncation.rows === 0 ? none : some])
  }
  const [main, ...others] = report.scripts
  if (main !== undefined) {
    const letters = report.scripts.reduce((sum, { characters }) => sum + characters, 0)
    const shown = [main, ...others]
      .slice(0, 5)
      .map(({ script, characters }) => `${script} ${percent(characters / letters)}`)
    lines.push(['written in', shown.join(', ')])
  }
  if (report.notCompared > 0) {
    lines.push([
      'not compared',
      `${count(report.notCompared)} rows: near duplicates were looked for among those before`,
    ])
  }
  if (hosted !== undefined) {
    const { epochs, batchSize, learningRateMultiplier, billedTokens } = hosted
    const billed = billedTokens === undefined ? '' : `; ${count(billedTokens)} tokens billed`
    lines.push([
      'hosted',
      `'auto' would be ${epochs} epochs, batch size ${batchSize}, learning-rate multiplier ${learningRateMultiplier}${billed}`,
    ])
  }
  return table(lines)
}

function histogram({ lengths }: InspectionReport): string {
  if (lengths === undefined || lengths.min === lengths.max) return ''
  const { histogram: bins } = lengths
  const most = Math.max(...bins.map((bin) => bin.count))
  return bars(bins.map(({ from, to, count: times }) => [range(from, to), times, most]))
}

function range(from: number, to: number): string {
  return to - from === 1 ? count(from) : `${count(from)}–${count(to - 1)}`
}

/** Lines of a name at the right, a bar and a number. */
function bars(lines: readonly (readonly [name: string, value: number, most: number, more?: string])[]): string {
  const names = Math.max(...lines.map(([name]) => name.length))
  const numbers = Math.max(...lines.map(([, value]) => count(value).length))
  return lines
    .map(([name, value, most, more = '']) => {
      const drawn = bar(value / Math.max(most, 1), barWidth).padEnd(barWidth)
      return `  ${name.padStart(names)}  ${drawn}  ${count(value).padStart(numbers)}${more}`.trimEnd() + '\n'
    })
    .join('')
}

function longest({ longest: rows, unit }: InspectionReport): string {
  const lines = rows
    .slice(0, longestShown)
    .map(({ origin, length }) => [`  ${printable(origin)}`, `${count(length)} ${unit}`])
  return table(lines, { numbers: true })
}

function labels({ labels: all }: InspectionReport): string {
  if (all.length === 0) return ''
  const most = Math.max(...all.map(({ rows }) => rows))
  const some = all.length <= labelsShown ? all : [...all.slice(0, labelsShown - 4), ...all.slice(-3)]
  const lines = some.map(({ label, rows, validationRows }) => {
    const more = validationRows === undefined ? '' : `, ${count(validationRows)} to validate on`
    return [printableLine(label, 32), rows, most, more] as const
  })
  const drawn = bars(lines)
  const left = all.length - some.length
  if (left === 0) return drawn
  const rowsDrawn = drawn.split('\n')
  return [
    ...rowsDrawn.slice(0, labelsShown - 4),
    `  … ${left} more labels …`,
    ...rowsDrawn.slice(labelsShown - 4),
  ].join('\n')
}

function described(finding: Finding, paint: ReturnType<typeof painter>): string {
  const { code, severity, message, advice } = finding
  const head = `${paint(colorOf[severity], severity.padEnd(7))}  ${printable(message)} ${paint('dim', `(${code})`)}`
  const lines = [head, ...(finding.reasons === undefined ? placeLines(finding, paint) : reasonLines(finding, paint))]
  if (advice !== '') lines.push(`${indent}${paint('dim', `→ ${printable(advice)}`)}`)
  return `${lines.join('\n')}\n`
}

const indent = ' '.repeat(9)

/** The first rows, each with what is true of it. */
function placeLines({ severity, where, count: total }: Finding, paint: ReturnType<typeof painter>): string[] {
  const lines = where.slice(0, placesShown[severity]).map(placeLine)
  return lines.length === 0 ? [] : [...lines, ...more(total - lines.length, indent, paint)]
}

function placeLine({ origin, what }: FindingPlace): string {
  return indent + printableLine(what === undefined ? origin : `${origin}: ${what}`, textShown)
}

/** What is true of several rows is said once, the first of them under it. */
function reasonLines({ severity, reasons = [], count: total }: Finding, paint: ReturnType<typeof painter>): string[] {
  const shown = reasons.slice(0, placesShown[severity])
  const lines = shown.flatMap(({ what, origins, count: times }) => {
    const [origin = ''] = origins
    if (times === 1) return [placeLine({ origin, what })]
    const deeper = `${indent}  `
    const some = origins.slice(0, rowsOfReasonShown)
    return [
      indent + printableLine(what, textShown),
      ...some.map((row) => deeper + printableLine(row, textShown)),
      ...more(times - some.length, deeper, paint),
    ]
  })
  const told = shown.reduce((sum, reason) => sum + reason.count, 0)
  return [...lines, ...more(total - told, indent, paint)]
}

function more(left: number, before: string, paint: ReturnType<typeof painter>): string[] {
  return left > 0 ? [before + paint('dim', `and ${count(left)} more`)] : []
}

/** What is trained is green, or stands in brackets. */
function shown({ pieces, answer }: ShownExample, colors: boolean): string {
  const paint = painter(colors)
  const text = pieces.map((piece) => {
    const clean = printable(piece.text)
    if (!piece.trained) return clean
    return colors
      ? clean
          .split('\n')
          .map((line) => (line === '' ? '' : paint('green', line)))
          .join('\n')
      : `⟦${clean}⟧`
  })
  // What is trained is one stretch, however many pieces it has.
  const whole = text.join('').replaceAll('⟧⟦', '')
  const after = answer === undefined ? '' : `${colors ? paint('green', printable(answer)) : `⟦${printable(answer)}⟧`}\n`
  return `${whole}${whole.endsWith('\n') ? '' : '\n'}${after}`
}

function count(value: number): string {
  return value.toLocaleString('en')
}
