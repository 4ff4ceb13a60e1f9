import { classRows, type ClassRows, type LabelledData } from '../data/label-findings.js'
import { labelTargets } from '../data/label-targets.js'
import { collectLabels } from '../data/labels.js'
import type { DatasetRow, Label } from '../data/rows.js'
import { AttuneError } from '../errors.js'
import type { ProblemType } from '../task.js'
import { classChecks } from './class-checks.js'
import { errorFinding } from './error-findings.js'
import type { Finding } from './finding.js'
import type { OriginList } from './origin-list.js'
import { Places } from './places.js'

export interface LabelBookOptions {
  /** The model's names, by index; undefined: a new head takes those of all rows. */
  readonly names: readonly string[] | undefined
  readonly problemType: ProblemType | undefined
  /** Whether the loss weighs rare labels already. */
  readonly weighed: boolean
}

export interface LabelCount {
  readonly label: string
  /** Training rows that have it; of tags, words. */
  readonly rows: number
  /** Undefined where there are no validation rows. */
  readonly validationRows: number | undefined
}

export interface LabelSummary {
  /** The most frequent first. None where rows have numbers to predict, or no labels. */
  readonly counts: readonly LabelCount[]
  readonly findings: readonly Finding[]
}

export type Part = 'train' | 'validation'

/** The labels of a row as `labelTargets` takes them; where it stands is looked up when that is asked for. */
class LabelledRow {
  readonly labels: readonly Label[]
  readonly #origins: OriginList
  readonly #index: number

  constructor(labels: readonly Label[], origins: OriginList, index: number) {
    this.labels = labels
    this.#origins = origins
    this.#index = index
  }

  get origin(): string {
    return this.#origins.at(this.#index)
  }
}

/** The labels of all rows: how often each occurs, and what is wrong with them. */
export class LabelBook {
  // Rows with the same labels share one list of them.
  readonly #lists = new Map<string, readonly Label[]>()
  readonly #rows: Record<Part, LabelledRow[]> = { train: [], validation: [] }
  readonly #tags: Record<Part, Map<Label, Places>> = { train: new Map(), validation: new Map() }
  #several = false

  add(row: DatasetRow, part: Part, origins: OriginList, index: number): void {
    if ('tags' in row) {
      for (const tag of row.tags) {
        const places = this.#tags[part].get(tag) ?? new Places()
        this.#tags[part].set(tag, places)
        places.note(origins.at(index))
      }
    } else if ('labels' in row || 'label' in row) {
      this.#several ||= 'labels' in row
      const labels = 'labels' in row ? row.labels : [row.label as Label]
      const key = JSON.stringify(labels)
      const list = this.#lists.get(key) ?? labels
      this.#lists.set(key, list)
      this.#rows[part].push(new LabelledRow(list, origins, index))
    }
  }

  summary(options: LabelBookOptions): LabelSummary {
    const { weighed } = options
    if (this.#tags.train.size > 0) {
      const classes = this.#taggedClasses()
      return { counts: countsOf(classes), findings: classChecks(classes, { kind: 'tags', rows: 0, weighed }) }
    }
    if (this.#rows.train.length === 0) return { counts: [], findings: [] }
    const kind = this.#several ? 'several' : 'single'
    const checks = { kind, rows: this.#rows.train.length, weighed } as const
    // What training would refuse is found by the very function that refuses it.
    try {
      const { train, validation } = this.#read(options)
      const classes = classRows(train, validation)
      return { counts: countsOf(classes), findings: classChecks(classes, checks) }
    } catch (error) {
      if (!(error instanceof AttuneError)) throw error
      const classes = this.#classesOfAll(options)
      return { counts: countsOf(classes), findings: [errorFinding(error), ...classChecks(classes, checks)] }
    }
  }

  #read({ names, problemType = this.#usualType() }: LabelBookOptions): {
    readonly train: LabelledData
    readonly validation: LabelledData | undefined
  } {
    const { train, validation } = this.#rows
    const all = [...train, ...validation]
    const { names: labels, targets } = labelTargets(all, problemType, this.#several, { labels: names })
    const examples = all.map(({ origin }, at) => ({ labels: targets[at] ?? 0, origin }))
    return {
      train: { examples: examples.slice(0, train.length), labels, problemType },
      validation: validation.length === 0 ? undefined : { examples: examples.slice(train.length), labels, problemType },
    }
  }

  /** Labels as they stand in the rows, those that training refuses too; none where rows have numbers or lists of 0 and 1. */
  #classesOfAll({ problemType = this.#usualType() }: LabelBookOptions): ClassRows[] {
    const isBit = (label: Label): boolean => label === 0 || label === 1
    if (problemType === 'regression') return []
    if (this.#several && [...this.#lists.values()].every((labels) => labels.every(isBit))) return []
    const { train, validation } = this.#rows
    const names = collectLabels([...train, ...validation])
    const indexOf = new Map(names.map((name, index) => [name, index]))
    const count = (rows: readonly LabelledRow[]): LabelledData => ({
      examples: rows.map(({ labels, origin }) => ({
        labels: Int32Array.from(labels, (label) => indexOf.get(String(label)) ?? -1),
        origin,
      })),
      labels: names,
    })
    return classRows(count(train), validation.length === 0 ? undefined : count(validation))
  }

  #usualType(): ProblemType {
    const isNumber = (label: Label): boolean => typeof label === 'number' && !Number.isInteger(label)
    if ([...this.#lists.values()].some((labels) => labels.some(isNumber))) return 'regression'
    return this.#several ? 'multi_label_classification' : 'single_label_classification'
  }

  #taggedClasses(): ClassRows[] {
    const { train, validation } = this.#tags
    const tags = [...new Set([...train.keys(), ...validation.keys()])].filter((tag) => tag !== -100)
    return tags.map((tag) => {
      const places = train.get(tag)
      return {
        name: String(tag),
        rows: places?.count ?? 0,
        origins: places?.where.map(({ origin }) => origin) ?? [],
        validationRows: validation.size === 0 ? undefined : (validation.get(tag)?.count ?? 0),
        validationOrigins: validation.get(tag)?.where.map(({ origin }) => origin) ?? [],
      }
    })
  }
}

function countsOf(classes: readonly ClassRows[]): LabelCount[] {
  const counts = classes.map(({ name, rows, validationRows }) => ({ label: name, rows, validationRows }))
  return counts.sort((a, b) => b.rows - a.rows)
}
