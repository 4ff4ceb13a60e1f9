import { measure, type Metric } from './metric.js'
import { summedMetric, type Summed } from './summed.js'
import { requireReferences, type References } from './words.js'

export interface ExactMatchOptions {
  /** What is done to both texts before they are compared. @default nothing */
  readonly normalize?: ((text: string) => string) | undefined
}

/** Share of the texts that equal one of their references. Contributions: rows and matches. */
export function exactMatch({ normalize = (text) => text }: ExactMatchOptions = {}): Summed<
  [prediction: string, references: References],
  number
> {
  return {
    name: 'exact match',
    contribution(prediction, references) {
      const wanted = requireReferences(references, 'exact match').map(normalize)
      return [1, wanted.includes(normalize(prediction)) ? 1 : 0]
    },
    score: ([rows = 0, matches = 0]) => matches / rows,
  }
}

export const exactMatchMetric = (
  options?: ExactMatchOptions,
): Metric<[prediction: string, references: References], number> => summedMetric(exactMatch(options))

export const corpusExactMatch = (
  predictions: ArrayLike<string>,
  references: ArrayLike<References>,
  options?: ExactMatchOptions,
): number => measure(exactMatchMetric(options), predictions, references)
