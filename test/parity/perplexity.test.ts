import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import { goldens, skipIfMissing } from './golden-case.js'

interface PerplexityCases {
  readonly models: Readonly<
    Record<
      string,
      {
        readonly texts: readonly {
          readonly ids: readonly number[]
          readonly nll_sum: number
          readonly tokens: number
        }[]
        readonly tolerance: { readonly nll_rel: number }
      }
    >
  >
}

describe('negative log-likelihoods', () => {
  skipIfMissing(goldens)

  test.skipIf(goldens.missing !== '').each(['gpt2', 'llama'])('%s', async (name) => {
    const path = join(goldens.folder, 'perplexity', 'cases.json')
    const given = (JSON.parse(readFileSync(path, 'utf8')) as PerplexityCases).models[name]!
    await using model = await Model.load(join(goldens.folder, 'models', name))
    for (const { ids, nll_sum, tokens } of given.texts) {
      const found = await model.evaluateBatch({ inputIds: [ids], labels: [ids] })
      expect(found.tokens).toBe(tokens)
      expect(Math.abs(found.lossSum - nll_sum)).toBeLessThanOrEqual(given.tolerance.nll_rel * nll_sum)
    }
    const rows = given.texts.map(({ ids }) => ids)
    const all = await model.evaluateBatch({ inputIds: rows, labels: rows })
    const wanted = given.texts.reduce((sum, text) => sum + text.nll_sum, 0)
    expect(Math.abs(all.lossSum - wanted)).toBeLessThanOrEqual(given.tolerance.nll_rel * wanted)
  })
})
