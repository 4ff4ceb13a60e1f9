import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import {
  goldens,
  present,
  ragged,
  readCase,
  realRows,
  type GoldenBatch,
  type Tolerance,
  skipIfMissing,
} from './golden-case.js'
import { Bounds, readTensors } from './tensors.js'

interface LoadingCase {
  readonly model: string
  readonly batches: readonly GoldenBatch[]
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

const ids = [
  'gpt2-without-prefix',
  'bert-gamma-beta',
  'bfloat16',
  'float16',
  'sharded',
  't5-duplicates',
  'tied-with-head',
].map((id) => `loading/${id}`)

describe('checkpoints in other shapes', () => {
  skipIfMissing(goldens)

  test.each(present(goldens, ids))('%s', async (id) => {
    const given = readCase<LoadingCase>(goldens, id)
    const directory = join(goldens.folder, id, given.model)
    const tensors = readTensors(join(goldens.folder, id, 'expected.safetensors'))
    await using model = await Model.load(directory)
    const bounds = new Bounds()
    const first = given.batches[0]!
    const { logits } = await model.forward(ragged(first, model.task))
    const wanted = realRows(tensors.get('logits')!, first, model.task)
    bounds.near('logits', logits.data, wanted, given.tolerance.logits!.atol)
    expect(bounds.violations).toEqual([])
  })
})
