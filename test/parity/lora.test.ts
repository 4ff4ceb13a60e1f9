import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Model } from '../../lib/models/model.js'
import {
  fixtures,
  goldens,
  present,
  ragged,
  readCase,
  realRows,
  type TrainingCase,
  skipIfMissing,
} from './golden-case.js'
import { Bounds, readTensors } from './tensors.js'
import { runTrainingCase } from './training-case.js'

const ids = [
  'gpt2-attn',
  'gpt2-all-rslora',
  'gpt2-dora',
  'llama-qv',
  'llama-all-linear',
  'llama-embed',
  'qwen2-bias',
  'qwen2-dora',
  'bert-seqcls',
  't5-qv',
].map((id) => `lora/${id}`)

describe.each([fixtures, goldens])('LoRA as PEFT trains it: $name', (root) => {
  skipIfMissing(root)

  test.each(present(root, ids))('%s', async (id) => {
    const { violations, compared } = await runTrainingCase(root, id)
    expect(violations).toEqual([])
    expect(compared).toBeGreaterThan(4)
  })

  // What was computed with is compared where bitsandbytes computed with what it had quantized: of rows shorter than a block of 64 its
  // CPU backend takes the first block's scale for all, so logits and steps of this case cannot be had.
  test.each(present(root, ['lora/llama-nf4']))('%s merged and saved', async (id) => {
    const given = readCase<TrainingCase>(root, id)
    const tensors = readTensors(join(root.folder, id, 'expected.safetensors'))
    const bounds = new Bounds()
    const directory = mkdtempSync(join(tmpdir(), 'attune-lora-'))
    try {
      const adapter = join(root.folder, id, 'adapter')
      await using model = await Model.load(join(root.folder, given.model), { adapter, quantization: 'nf4' })
      await model.save(directory, { merge: true })
      await using merged = await Model.load(directory)
      const whole = [...tensors].filter(([name, { shape }]) => name.startsWith('merged.') && shape[1]! >= 64)
      expect(whole).toHaveLength(2)
      for (const [name, { data }] of whole) {
        bounds.near(name, (await merged.read(name.slice(7))).data, data, given.tolerance[name]!.atol)
      }
      expect(bounds.violations).toEqual([])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test.each(present(root, ids))('%s merged, saved and loaded', async (id) => {
    const given = readCase<TrainingCase>(root, id)
    const tensors = readTensors(join(root.folder, id, 'expected.safetensors'))
    const first = given.batches![0]!
    const logits = realRows(tensors.get('logits')!, first, given.task)
    const bounds = new Bounds()
    const directory = mkdtempSync(join(tmpdir(), 'attune-lora-'))
    try {
      const base = join(root.folder, given.model)
      await using model = await Model.load(base, { adapter: join(root.folder, id, 'adapter') })
      const adapted = (await model.forward(ragged(first, given.task))).logits.data
      const watched = given.task === 'sequence-classification' ? 'classifier.weight' : 'lm_head.weight'
      const before = await model.read(watched)
      await model.save(directory, { merge: true })
      await model.mergeAdapter()
      for (const [name, { data }] of tensors) {
        if (!name.startsWith('merged.')) continue
        bounds.near(name, (await model.read(name.slice(7))).data, data, given.tolerance[name]!.atol)
      }
      const merged = (await model.forward(ragged(first, given.task))).logits.data.subarray(0, logits.length)
      bounds.near('logits of the merged model', merged, logits, 2 * given.tolerance.logits!.atol)
      await model.unmergeAdapter()
      expect(await model.read(watched)).toEqual(before)
      expect((await model.forward(ragged(first, given.task))).logits.data).toEqual(adapted)

      await using reloaded = await Model.load(directory)
      const again = (await reloaded.forward(ragged(first, given.task))).logits.data.subarray(0, logits.length)
      bounds.near('logits of the saved model', again, logits, 2 * given.tolerance.logits!.atol)
      expect(bounds.violations).toEqual([])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
