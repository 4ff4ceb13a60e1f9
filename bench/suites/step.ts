/** Whole optimizer steps of the embedded model: everything in float32 and bfloat16, and a LoRA adapter. */
import { fileURLToPath } from 'node:url'
import { lora, Model } from '../../dist/index.js'
import type { BenchSuite, BenchTask } from '../suite.js'

const directory = fileURLToPath(new URL('../../examples/models/attune-base', import.meta.url))
const rows = 8
const length = 256

/** Any ids do: the arithmetic is the same. */
const batch = {
  inputIds: Array.from({ length: rows }, (_, row) =>
    Int32Array.from({ length }, (_, i) => (row * 977 + i * i * 31) % 4000),
  ),
}

const variants = [
  { name: 'full f32', dtype: 'f32', adapter: false },
  { name: 'full bf16', dtype: 'bf16', adapter: false },
  { name: 'LoRA rank 8 f32', dtype: 'f32', adapter: true },
] as const

export async function openStep(): Promise<BenchSuite> {
  const models: Model[] = []
  const tasks: BenchTask[] = []
  for (const { name, dtype, adapter } of variants) {
    const model = await Model.fromConfig(directory, { seed: 1, dtype })
    models.push(model)
    if (adapter) await model.addAdapter(lora({ rank: 8, alpha: 16, targets: 'all-linear' }))
    const optimizer = model.optimizer({ kind: 'adamw', learningRate: 1e-4 })
    tasks.push({
      name: `${name} ${rows}x${length}`,
      work: { amount: rows * length, unit: 'tokens' },
      run: () => optimizer.step({ ...batch, labels: batch.inputIds }),
    })
  }
  return {
    tasks,
    [Symbol.asyncDispose]() {
      for (const model of models) model.dispose()
      return Promise.resolve()
    },
  }
}
