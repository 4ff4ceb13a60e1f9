import { counted, countedThat } from './counted.js'
import type { DataInspection } from './data-inspection.js'
import type { FieldCheck } from './field-check.js'
import { bySeverity, type Finding, type Severity } from './finding.js'
import { hostedSettings, type HostedSettings } from './hosted-settings.js'
import type { InspectedFile, InspectionReport } from './inspection-report.js'
import { readingOf } from './reading.js'
import type { ShownExample } from './show-row.js'

interface Beside {
  readonly files: readonly InspectedFile[]
  readonly testRows: number
  readonly fields: FieldCheck
  readonly examples: readonly ShownExample[]
  readonly seconds: number
}

export function reportOf(
  inspection: DataInspection,
  { files, testRows, fields, examples, seconds }: Beside,
): InspectionReport {
  const { rows, validationRows, unreadable, shape, settings, lengths } = inspection
  const { task, tokenizer, lossOn } = settings
  const { labels, findings } = inspection.finish()
  const all = bySeverity([...empty(rows), ...few(rows), ...findings, ...fields.findings()])
  const counts = countsOf(all)
  const hosted = hostedOf(inspection)
  return {
    files,
    rows,
    unreadable,
    validationRows,
    testRows,
    shape,
    reading: readingOf(inspection.recognition, task, lossOn),
    ignoredFields: fields.ignored,
    task,
    unit: tokenizer === undefined ? 'characters' : 'tokens',
    lengths: lengths.summary,
    longest: lengths.longest,
    ...(tokenizer !== undefined && { trained: lengths.trained }),
    ...(tokenizer !== undefined && lengths.truncation !== undefined && { truncation: lengths.truncation }),
    labels: labels.counts,
    scripts: inspection.texts.scripts,
    personalData: inspection.texts.personalData,
    notCompared: inspection.notCompared,
    ...(hosted !== undefined && { hosted }),
    examples,
    findings: all,
    counts,
    trainable: counts.error === 0,
    verdict: verdictOf(counts, task === undefined),
    seconds,
  }
}

function countsOf(findings: readonly Finding[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, note: 0 }
  for (const { severity } of findings) counts[severity]++
  return counts
}

function verdictOf({ error, warning, note }: Readonly<Record<Severity, number>>, taskless: boolean): string {
  const others = [...(warning > 0 ? [counted(warning, 'warning')] : []), ...(note > 0 ? [counted(note, 'note')] : [])]
  const beside = others.join(' and ')
  if (error > 0) {
    const more = beside === '' ? '' : ` (${beside} besides)`
    return `These data cannot be trained on as they are: ${counted(error, 'error')} to mend first${more}.`
  }
  if (taskless) return 'These data can be read, but attune does not train on such rows yet.'
  if (warning > 0) return `These data can be trained on; look at ${beside} first.`
  return `These data can be trained on${beside === '' ? '' : `; there ${note === 1 ? 'is' : 'are'} ${beside}`}.`
}

function empty(rows: number): Finding[] {
  if (rows > 0) return []
  const message = 'There are no rows that could be trained on.'
  return [
    { code: 'empty-dataset', severity: 'error', message, advice: 'See what the files hold.', where: [], count: 0 },
  ]
}

// Below this, a handful of rows decides what is learned.
const fewRows = 50

function few(rows: number): Finding[] {
  if (rows === 0 || rows >= fewRows) return []
  const message = countedThat(rows, 'row', 'are few: the model may learn them by heart.')
  const advice = 'Some hundred are a good start; with a handful, try examples in the prompt first.'
  return [{ code: 'few-rows', severity: 'warning', message, advice, where: [], count: rows }]
}

/** The service trains on conversations, on prompts with their completions, and on preferences. */
const hostedShapes: ReadonlySet<string> = new Set(['messages', 'prompt-completion', 'preference'])

// The longest example that the service trains on.
const hostedLength = 65_536

function hostedOf({ shape, rows, settings, lengths }: DataInspection): HostedSettings | undefined {
  if (shape === undefined || !hostedShapes.has(shape)) return undefined
  const chosen = hostedSettings(rows)
  if (settings.tokenizer === undefined) return chosen
  return { ...chosen, billedTokens: lengths.tokensUpTo(settings.maxLength ?? hostedLength) * chosen.epochs }
}
