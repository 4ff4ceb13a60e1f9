import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { families } from '../../lib/models/index.js'
import { readJsonObject } from '../../lib/models/json-file.js'
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

const ids = ['gpt2-without-prefix', 'bfloat16', 'tied-with-head'].map((id) => `loading/${id}`)
const supported = new Set(families.flatMap(({ modelTypes }) => modelTypes))

describe('checkpoints in other shapes', () => {
  skipIfMissing(goldens)

  test.each(present(goldens, ids))('%s', async (id) => {
    const given = readCase<LoadingCase>(goldens, id)
    const directory = join(goldens.folder, id, given.model)
    const type = String((await readJsonObject(join(directory, 'config.json'))).model_type)
    if (!supported.has(type)) {
      await expect(Model.load(directory)).rejects.toMatchObject({ code: 'unsupported-architecture' })
      return
    }
    const tensors = readTensors(join(goldens.folder, id, 'expected.safetensors'))
    await using model = await Model.load(directory)
    const bounds = new Bounds()
    const first = given.batches[0]!
    const { logits } = await model.forward(ragged(first))
    bounds.near('logits', logits.data, realRows(tensors.get('logits')!, first), given.tolerance.logits!.atol)
    expect(bounds.violations).toEqual([])
  })
})
