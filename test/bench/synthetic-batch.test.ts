import { describe, expect, test } from 'vitest'
import { syntheticBatch } from '../../lib/bench/synthetic-batch.js'
import { ignoredLabel } from '../../lib/models/batch.js'
import { benchModelOf, benchModels } from './bench-models.js'

const sizes = { rows: 3, length: 10, targetLength: 6 }

describe('a synthetic batch', () => {
  test.each(Object.keys(benchModels))('can be trained on: %s', async (name) => {
    await using model = await benchModelOf(name)
    const batch = syntheticBatch(model.definition, sizes)
    expect(batch.inputIds).toHaveLength(model.task === 'embedding' ? 6 : 3)
    for (const row of batch.inputIds) expect(row).toHaveLength(10)
    expect(model.batchSizes(batch)).toMatchObject({ tokens: 10 * batch.inputIds.length })
    expect(syntheticBatch(model.definition, sizes)).toEqual(batch)
  })

  test('asks every token of a causal model, and as many as usual of a masked one', async () => {
    await using causal = await benchModelOf('causal-lm')
    const { inputIds, labels } = syntheticBatch(causal.definition, sizes)
    expect(labels).toEqual(inputIds)
    await using masked = await benchModelOf('masked-lm')
    const asked = syntheticBatch(masked.definition, { ...sizes, length: 20 }).labels.map((row) =>
      Array.from(row as Int32Array).filter((label) => label !== ignoredLabel),
    )
    expect(asked.map((row) => row.length)).toEqual([3, 3, 3])
  })

  test('has targets of their own length for an encoder-decoder', async () => {
    await using model = await benchModelOf('seq2seq-lm')
    expect(model.batchSizes(syntheticBatch(model.definition, sizes))).toMatchObject({ tokens: 30, decoderTokens: 18 })
  })
})
