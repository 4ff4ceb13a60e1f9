/** From the scores of tokens to entities, by the aggregation strategies of transformers' token classification pipeline. */
import { largestIndex } from '../models/probabilities.js'

/** Which label a word of several tokens has, and whether words are joined to entities. */
export const aggregations = ['none', 'simple', 'first', 'average', 'max'] as const
export type Aggregation = (typeof aggregations)[number]

export interface ScoredToken {
  /** [start, end) in the text. */
  readonly start: number
  readonly end: number
  /** Which word it is a piece of. */
  readonly word: number
  /** Probability of each label. */
  readonly scores: ArrayLike<number>
}

/** A token, a word or an entity with its label. */
export interface LabelledSpan {
  readonly label: string
  readonly score: number
  readonly start: number
  readonly end: number
  /** First and last word. */
  readonly words: readonly [first: number, last: number]
}

/** 'none': every token with its label. Else entities, their type without the letter before it, those of type O among them. */
export function aggregate(
  tokens: readonly ScoredToken[],
  labels: readonly string[],
  aggregation: Aggregation,
): LabelledSpan[] {
  const strategy = aggregation === 'none' || aggregation === 'simple' ? undefined : aggregation
  const units =
    strategy === undefined
      ? tokens.map((token) => spanOf([token], labels, 'first'))
      : wordSpans(tokens, labels, strategy)
  return aggregation === 'none' ? units : joined(units)
}

/** The label of each word that has tokens. */
export function wordSpans(
  tokens: readonly ScoredToken[],
  labels: readonly string[],
  strategy: 'first' | 'average' | 'max',
): LabelledSpan[] {
  const words: ScoredToken[][] = []
  for (const token of tokens) {
    const word = words.at(-1)
    if (word?.[0]?.word === token.word) word.push(token)
    else words.push([token])
  }
  return words.map((word) => spanOf(word, labels, strategy))
}

function spanOf(
  pieces: readonly ScoredToken[],
  labels: readonly string[],
  strategy: 'first' | 'average' | 'max',
): LabelledSpan {
  const [first] = pieces
  const scores = first === undefined ? [] : pooled(first, pieces, strategy)
  const best = largestIndex(scores)
  const word = first?.word ?? 0
  return {
    label: labels[best] ?? '',
    score: scores[best] ?? NaN,
    start: first?.start ?? 0,
    end: pieces.at(-1)?.end ?? 0,
    words: [word, word],
  }
}

function pooled(
  first: ScoredToken,
  pieces: readonly ScoredToken[],
  strategy: 'first' | 'average' | 'max',
): ArrayLike<number> {
  if (strategy === 'first') return first.scores
  if (strategy === 'average') {
    return Array.from(
      first.scores,
      (_, i) => pieces.reduce((sum, { scores }) => sum + (scores[i] ?? 0), 0) / pieces.length,
    )
  }
  const surest = (scores: ArrayLike<number>): number => scores[largestIndex(scores)] ?? 0
  return pieces.reduce((best, { scores }) => (surest(scores) > surest(best) ? scores : best), first.scores)
}

/** Neighbours of one type are one entity, unless the later begins one (B-). A label without a letter goes on inside (I-). */
function joined(units: readonly LabelledSpan[]): LabelledSpan[] {
  const entities: { type: string; members: LabelledSpan[] }[] = []
  for (const unit of units) {
    const { begins, type } = parsed(unit.label)
    const last = entities.at(-1)
    if (last?.type === type && !begins) last.members.push(unit)
    else entities.push({ type, members: [unit] })
  }
  return entities.map(({ type, members }) => ({
    label: type,
    score: members.reduce((sum, { score }) => sum + score, 0) / members.length,
    start: members[0]?.start ?? 0,
    end: members.at(-1)?.end ?? 0,
    words: [members[0]?.words[0] ?? 0, members.at(-1)?.words[1] ?? 0],
  }))
}

/** IOB, and what IOBES and BILOU add to it: S- and U- are entities of one word, E- and L- end one. */
function parsed(label: string): { readonly begins: boolean; readonly type: string } {
  const [, letter, type] = /^([BISEUL])-(.+)$/s.exec(label) ?? []
  if (letter === undefined || type === undefined) return { begins: false, type: label }
  return { begins: 'BSU'.includes(letter), type }
}
