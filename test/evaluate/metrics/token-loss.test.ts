import { describe, expect, it } from 'vitest'
import { perplexity, tokenLossMetric } from '../../../lib/evaluate/metrics/token-loss.js'
import { refusal } from '../../refusal.js'

describe('perplexity and token accuracy', () => {
  it('count every token alike, however they are batched', () => {
    const metric = tokenLossMetric()
    metric.add(3, 3, 2)
    metric.add(6, 1, 0)
    metric.add(0, 0, 0)
    expect(metric.value()).toEqual({ loss: 9 / 4, perplexity: Math.exp(9 / 4), tokenAccuracy: 1 / 2, tokens: 4 })
    // Of a model that finds each of 8 tokens as likely as the others.
    expect(perplexity([Math.log(8), Math.log(8)])).toBeCloseTo(8, 12)
  })

  it('refuse nothing to measure', () => {
    expect(refusal(() => tokenLossMetric().value())).toMatchObject({ code: 'empty-dataset' })
    const masked = tokenLossMetric()
    masked.add(0, 0, 0)
    expect(refusal(() => masked.value())).toMatchObject({ code: 'all-labels-masked' })
  })
})
