/** Translation edit rate (Snover et al. 2006), as sacrebleu 2.6.0 and Tercom search for it. */
import { measure, type Metric } from './metric.js'
import type { TranslationRow } from './bleu.js'
import { editDistance, type EditOperation } from './edit-distance.js'
import { scoreRow, summedMetric, type Summed } from './summed.js'
import { requireReferences, splitWords, type References } from './words.js'

export interface TerOptions {
  /** @default false */
  readonly caseSensitive?: boolean | undefined
}

// Tercom's limits on what is tried: they are visible in the result.
const longestShift = 10
const farthestShift = 50
const mostCandidates = 1000

/**
 * Edits (insertions, deletions, substitutions and shifts of a run of words) for each hundred words of the reference: lower
 * is better. Contributions: the fewest edits over the references, and their mean length.
 */
export function ter({ caseSensitive = false }: TerOptions = {}): Summed<TranslationRow, number> {
  const words = (text: string): string[] => splitWords(caseSensitive ? text : text.toLowerCase())
  return {
    name: 'TER',
    contribution(hypothesis, references) {
      const candidate = words(hypothesis)
      const targets = requireReferences(references, 'TER').map(words)
      const edits = Math.min(...targets.map((target) => countEdits(candidate, target)))
      return [edits, targets.reduce((sum, { length }) => sum + length, 0) / targets.length]
    },
    score([edits = 0, words = 0]) {
      if (words > 0) return (100 * edits) / words
      return edits > 0 ? 100 : 0
    },
  }
}

/** Shifts words as long as that saves edits, each shift being one itself. */
function countEdits(hypothesis: readonly string[], reference: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length
  let words = hypothesis
  let shifts = 0
  let candidates = 0
  for (;;) {
    const found = bestShift(words, reference, candidates)
    candidates = found.candidates
    if (candidates >= mostCandidates || found.saved <= 0) break
    shifts++
    words = found.words
  }
  return shifts + editDistance(words, reference).distance
}

interface Shift {
  /** Edits that it saves. */
  readonly saved: number
  readonly length: number
  readonly start: number
  readonly target: number
  readonly words: readonly string[]
}

/** The shift that saves most; of equal ones the longest, then the earliest start, then the earliest target. */
function bestShift(
  words: readonly string[],
  reference: readonly string[],
  triedBefore: number,
): { saved: number; words: readonly string[]; candidates: number } {
  const { distance, operations } = editDistance(words, reference)
  const { alignedTo, referenceWrong, hypothesisWrong } = align(operations)
  let best: Shift | undefined
  let candidates = triedBefore
  for (const [start, referenceStart, length] of sharedRuns(words, reference)) {
    // Only where the run stands wrong, its place in the reference is not met, and that place is outside the run.
    const place = alignedTo[referenceStart] ?? -1
    if (!hypothesisWrong.slice(start, start + length).includes(true)) continue
    if (!referenceWrong.slice(referenceStart, referenceStart + length).includes(true)) continue
    if (place >= start && place < start + length) continue
    let last = -1
    for (let offset = -1; offset < length; offset++) {
      const position = referenceStart + offset
      const target = position === -1 ? 0 : (alignedTo[position] ?? -1) + 1
      if (target === last) continue
      last = target
      const shifted = shift(words, start, length, target)
      const saved = distance - editDistance(shifted, reference).distance
      const candidate = { saved, length, start, target, words: shifted }
      candidates++
      if (best === undefined || isBetter(candidate, best)) best = candidate
    }
    if (candidates >= mostCandidates) break
  }
  return { saved: best?.saved ?? 0, words: best?.words ?? words, candidates }
}

function isBetter(a: Shift, b: Shift): boolean {
  return (a.saved - b.saved || a.length - b.length || b.start - a.start || b.target - a.target) > 0
}

interface Alignment {
  /** For each word of the reference the hypothesis word beside it, -1 before the first. */
  readonly alignedTo: readonly number[]
  readonly referenceWrong: readonly boolean[]
  readonly hypothesisWrong: readonly boolean[]
}

function align(operations: readonly EditOperation[]): Alignment {
  const alignedTo: number[] = []
  const referenceWrong: boolean[] = []
  const hypothesisWrong: boolean[] = []
  for (const operation of operations) {
    const wrong = operation !== 'same'
    if (operation !== 'insert') hypothesisWrong.push(wrong)
    if (operation === 'delete') continue
    alignedTo.push(hypothesisWrong.length - 1)
    referenceWrong.push(wrong)
  }
  return { alignedTo, referenceWrong, hypothesisWrong }
}

/** Runs of words that stand in both, as [start, start in the reference, length]: every length from 1 on. */
function* sharedRuns(words: readonly string[], reference: readonly string[]): Generator<[number, number, number]> {
  for (let start = 0; start < words.length; start++) {
    for (let other = 0; other < reference.length; other++) {
      if (Math.abs(other - start) > farthestShift) continue
      for (let length = 1; length <= longestShift; length++) {
        const end = start + length
        if (end > words.length || other + length > reference.length) break
        if (words[end - 1] !== reference[other + length - 1]) break
        yield [start, other, length]
      }
    }
  }
}

/** The run taken out and put in before `target`, a position among the words as they stood (inside the run: as far after it). */
function shift(words: readonly string[], start: number, length: number, target: number): string[] {
  const run = words.slice(start, start + length)
  const rest = [...words.slice(0, start), ...words.slice(start + length)]
  const position = target < start ? target : target > start + length ? target - length : target
  return [...rest.slice(0, position), ...run, ...rest.slice(position)]
}

/** Over all rows together. */
export const terMetric = (options?: TerOptions): Metric<TranslationRow, number> => summedMetric(ter(options))

export const corpusTer = (
  hypotheses: ArrayLike<string>,
  references: ArrayLike<References>,
  options?: TerOptions,
): number => measure(terMetric(options), hypotheses, references)

export const sentenceTer = (hypothesis: string, references: References, options?: TerOptions): number =>
  scoreRow(ter(options), hypothesis, references)
