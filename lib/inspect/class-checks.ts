import type { DataFinding } from '../data/encoded-task.js'
import { classFindings, type ClassRows } from '../data/label-findings.js'
import type { Finding } from './finding.js'

export interface ClassCheckOptions {
  /** What a row has: one label, any number of them, or a tag for each word. */
  readonly kind: 'single' | 'several' | 'tags'
  /** Training rows in all. */
  readonly rows: number
  /** Whether the loss weighs rare labels already. */
  readonly weighed: boolean
}

/** What is doubtful about the labels: rare ones, absent ones, only one. */
export function classChecks(classes: readonly ClassRows[], options: ClassCheckOptions): Finding[] {
  if (classes.length === 0) return []
  return [
    ...findingsOf(classFindings(classes)),
    ...singleClass(classes, options),
    ...(options.weighed ? [] : imbalance(classes, options)),
  ]
}

/** Findings of one kind that are told one by one; data with many labels have as many. */
const told = 3

const advice: Readonly<Record<DataFinding['code'], string>> = {
  'class-absent-from-validation':
    'Split with stratify so that each part has its share of every label, or validate on more rows.',
  'class-absent-from-training': 'Add rows with this label, or take it out of the labels.',
  'class-with-few-rows': 'Add rows, merge the label with another one, or expect it to be predicted badly.',
  'answer-in-no-window': 'Raise maxLength or stride, so that a window can hold the whole answer.',
  'word-without-token': 'Look for words of spaces or odd characters in these rows.',
  'token-cache-rebuilt': 'Nothing is wrong with the run. Where it happens often, look at the disk of the cache.',
}

/** Findings of the encoders: a few of each kind with all they say, the rest counted. */
export function findingsOf(findings: readonly DataFinding[]): Finding[] {
  const codes = [...new Set(findings.map(({ code }) => code))]
  return codes.map((code): Finding => {
    const same = findings.filter((finding) => finding.code === code)
    const more = same.length - told
    const shown = (more > 1 ? same.slice(0, told) : same).map(({ message }) => message)
    return {
      code,
      severity: 'warning',
      message: `${shown.join('; ')}${more > 1 ? `; and ${more} more such labels` : ''}.`,
      advice: advice[code],
      where: same.flatMap(({ origins }) => origins.map((origin) => ({ origin }))).slice(0, 10),
      count: same.length,
    }
  })
}

function singleClass(classes: readonly ClassRows[], { kind, rows }: ClassCheckOptions): Finding[] {
  const used = classes.filter((one) => one.rows > 0)
  const [only] = used
  if (kind !== 'single' || used.length !== 1 || only === undefined) return []
  return [
    {
      code: 'single-class',
      severity: 'warning',
      message: `${rows === 1 ? 'the only row has' : `all ${rows} rows have`} label '${only.name}': there is nothing to tell apart.`,
      advice: 'Add rows with other labels.',
      where: only.origins.slice(0, 10).map((origin) => ({ origin })),
      count: rows,
    },
  ]
}

// At ten to one, always saying the frequent class is right nine times out of ten: the rare one is easily never said.
const imbalanced = 10

/** Of single labels and many labels; of tags the one for "nothing" is always by far the most frequent. */
function imbalance(classes: readonly ClassRows[], { kind, rows }: ClassCheckOptions): Finding[] {
  if (kind === 'tags') return []
  const most = classes.reduce((greatest, one) => Math.max(greatest, one.rows), 0)
  const rare = classes.filter((one) => {
    const others = kind === 'single' ? most : rows - one.rows
    return one.rows > 0 && others >= imbalanced * one.rows
  })
  const [first] = rare.sort((a, b) => a.rows - b.rows)
  if (first === undefined) return []
  const more = rare.length > 1 ? ` and ${rare.length - 1} more` : ''
  const option = kind === 'single' ? 'classWeights' : 'positiveWeights'
  return [
    {
      code: 'imbalanced-classes',
      severity: 'warning',
      message: `label '${first.name}' has ${first.rows} of ${rows} rows${more}: rare labels are easily never predicted.`,
      advice: `${option}: 'balanced' helps.`,
      where: first.origins.slice(0, 10).map((origin) => ({ origin })),
      count: rare.length,
    },
  ]
}
