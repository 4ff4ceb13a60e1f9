/** Entities in tagged rows, and how many were found, by the rules of seqeval's default mode (those of conlleval.pl). */
import { AttuneError } from '../../errors.js'
import { measure, requireLength, requireRows, type Metric } from './metric.js'
import {
  averageScores,
  scoresOf,
  type Average,
  type PositiveCounts,
  type PrecisionRecall,
  type ScoreOptions,
} from './precision-recall.js'

export interface Entity {
  readonly type: string
  /** First and last token. */
  readonly start: number
  readonly end: number
}

export interface TagOptions {
  /** Whether tags end in the letter (`PER-B`) rather than start with it. @default false */
  readonly suffix?: boolean | undefined
}

interface Tag {
  readonly letter: string
  readonly type: string
}

/**
 * Reads IOB1, IOB2, IOE and IOBES alike: an entity begins at B and S, after O, after E and S, and where the type changes; it ends after
 * E and S, before B, S and O, and where the type changes. A tag without a type has the type `_`.
 * @throws AttuneError 'invalid-dataset' for an empty tag
 */
export function entitiesOf(tags: readonly string[], { suffix = false }: TagOptions = {}): Entity[] {
  const entities: Entity[] = []
  let start = 0
  let previous: Tag = { letter: 'O', type: '' }
  for (let i = 0; i <= tags.length; i++) {
    const tag = parse(tags[i] ?? 'O', suffix, i)
    if (ends(previous, tag)) entities.push({ type: previous.type, start, end: i - 1 })
    if (begins(previous, tag)) start = i
    previous = tag
  }
  return entities
}

function parse(tag: string, suffix: boolean, index: number): Tag {
  if (tag === '') throw new AttuneError('invalid-dataset', `tags[${index}] is empty`, { where: `tags[${index}]` })
  if (!suffix) return { letter: tag.charAt(0), type: tag.slice(1).replace(/^[^-]*-/, '') || '_' }
  return { letter: tag.slice(-1), type: tag.slice(0, -1).replace(/-[^-]*$/, '') || '_' }
}

function ends(previous: Tag, tag: Tag): boolean {
  if (isOutside(previous)) return false
  if ('ES'.includes(previous.letter) || previous.type !== tag.type) return true
  return 'BI'.includes(previous.letter) && 'BSO'.includes(tag.letter)
}

function begins(previous: Tag, tag: Tag): boolean {
  if (isOutside(tag)) return false
  if ('BS'.includes(tag.letter) || previous.type !== tag.type) return true
  return 'ESO'.includes(previous.letter) && 'EI'.includes(tag.letter)
}

function isOutside({ letter }: Tag): boolean {
  return letter === 'O' || letter === '.'
}

export interface EntityScores {
  readonly micro: PrecisionRecall
  readonly macro: PrecisionRecall
  readonly weighted: PrecisionRecall
  /** By type, in alphabetical order. */
  readonly perType: readonly (PrecisionRecall & { readonly type: string; readonly support: number })[]
  /** Share of the tokens with the right tag. */
  readonly tokenAccuracy: number
}

export type TaggedRow = [labels: readonly string[], predictions: readonly string[]]

/** An entity counts as found where type, first and last token are right. `add` throws AttuneError 'shape-mismatch'. */
export function entityMetric(options: ScoreOptions & TagOptions = {}): Metric<TaggedRow, EntityScores> {
  const counts = new Map<string, { truePositives: number; predicted: number; actual: number }>()
  let rows = 0
  let tokens = 0
  let correctTokens = 0
  return {
    add(labels, predictions) {
      requireLength(predictions.length, labels.length, 'labels and predictions of a row')
      const actual = new Set<string>()
      for (const entity of entitiesOf(labels, options)) {
        countsOf(entity.type).actual++
        actual.add(JSON.stringify(entity))
      }
      for (const entity of entitiesOf(predictions, options)) {
        const count = countsOf(entity.type)
        count.predicted++
        if (actual.has(JSON.stringify(entity))) count.truePositives++
      }
      rows++
      tokens += labels.length
      correctTokens += labels.filter((label, i) => label === predictions[i]).length
    },
    value() {
      requireRows(rows, 'entity scores')
      const types = [...counts.keys()].sort((a, b) => (a < b ? -1 : 1))
      const all: PositiveCounts[] = types.map(countsOf)
      const averaged = (average: Average): PrecisionRecall => averageScores(all, average, options)
      return {
        micro: averaged('micro'),
        macro: averaged('macro'),
        weighted: averaged('weighted'),
        perType: types.map((type) => ({ type, ...scoresOf(countsOf(type), options), support: countsOf(type).actual })),
        tokenAccuracy: correctTokens / tokens,
      }
    },
  }

  function countsOf(type: string): { truePositives: number; predicted: number; actual: number } {
    const known = counts.get(type) ?? { truePositives: 0, predicted: 0, actual: 0 }
    counts.set(type, known)
    return known
  }
}

export function entityScores(
  labels: ArrayLike<readonly string[]>,
  predictions: ArrayLike<readonly string[]>,
  options?: ScoreOptions & TagOptions,
): EntityScores {
  return measure(entityMetric(options), labels, predictions)
}
