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

interface PackingCase {
  readonly model: string
  readonly packed: GoldenBatch
  readonly padded: GoldenBatch
  readonly expected: { readonly loss: number; readonly grad_norm: number }
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

describe('packed rows are as good as padded ones', () => {
  skipIfMissing(goldens)

  test.each(present(goldens, ['packing/gpt2', 'packing/llama', 'packing/mistral', 'packing/gemma3']))(
    '%s',
    async (id) => {
      const given = readCase<PackingCase>(goldens, id)
      const tensors = readTensors(join(goldens.folder, id, 'expected.safetensors'))
      await using model = await Model.load(join(goldens.folder, given.model), { dropout: false })
      const bounds = new Bounds()
      const wanted = realRows(tensors.get('packed.logits')!, given.packed)
      for (const kind of ['packed', 'padded'] as const) {
        const batch = ragged(given[kind])
        const atol = (name: string) => given.tolerance[name]!.atol
        bounds.near(`${kind} logits`, (await model.forward(batch)).logits.data, wanted, atol('packed.logits'))
        const { loss, gradients } = await model.gradients(batch)
        bounds.near(`${kind} loss`, loss, given.expected.loss, atol('loss'))
        let squares = 0
        for (const { data } of gradients.values()) squares += data.reduce((sum, value) => sum + value * value, 0)
        bounds.near(`${kind} norm`, Math.sqrt(squares), given.expected.grad_norm, atol('grad_norm'))
      }
      expect(bounds.violations).toEqual([])
    },
  )
})
