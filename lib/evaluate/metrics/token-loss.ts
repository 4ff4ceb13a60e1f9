import { summedMetric, type Summed } from './summed.js'
import type { Metric } from './metric.js'
import { AttuneError } from '../../errors.js'

export interface TokenScores {
  /** Mean −log p of the labelled tokens. */
  readonly loss: number
  /** exp(loss) */
  readonly perplexity: number
  /** Share of the labelled tokens that the model finds likeliest. */
  readonly tokenAccuracy: number
  readonly tokens: number
}

/** Sums over the labelled tokens of a row or a batch. */
export type TokenLossRow = [lossSum: number, tokens: number, correct: number]

/** Every labelled token counts alike, however the rows are batched. Contributions: the sums as they are. */
export function tokenLoss(): Summed<TokenLossRow, TokenScores> {
  return {
    name: 'perplexity',
    contribution: (...sums) => sums,
    score([lossSum = 0, tokens = 0, correct = 0]) {
      if (tokens === 0)
        throw new AttuneError('all-labels-masked', 'perplexity needs a labelled token: every label is masked')
      const loss = lossSum / tokens
      return { loss, perplexity: Math.exp(loss), tokenAccuracy: correct / tokens, tokens }
    },
  }
}

export const tokenLossMetric = (): Metric<TokenLossRow, TokenScores> => summedMetric(tokenLoss())

/** Of the tokens' own −log p. */
export function perplexity(losses: ArrayLike<number>): number {
  const metric = tokenLossMetric()
  for (let i = 0; i < losses.length; i++) metric.add(losses[i] ?? NaN, 1, 0)
  return metric.value().perplexity
}
