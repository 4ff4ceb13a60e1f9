/** A model trained on both devices from the same start: the losses go the same way, and the GPU's bits do not depend on who runs first. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { ModelDtype } from '../../lib/models/model-options.js'
import { cublasLtVariable, type Device } from '../../lib/session.js'
import { root, runProgram } from '../run-process.js'
import { countingRows, tinyModel } from '../tiny-model.js'
import { describeCuda } from './describe-cuda.js'
import { CublasLtTrace, standIn } from './emulated-cublaslt.js'

const steps = 50

const trace = new CublasLtTrace()
afterAll(() => trace.dispose())
beforeEach(() => {
  trace.take()
})

/** Of float32 all products are our own; of bfloat16 they are computed both ways. */
const ways = [
  ['f32', 'attune'],
  ['bf16', 'attune'],
  ['bf16', 'cuBLASLt'],
] as const
type Products = (typeof ways)[number][1]

/** For sessions that are opened from now on, and processes that are started. */
function multiplyBy(products: Products): void {
  process.env[cublasLtVariable] = products === 'attune' ? 'off' : (standIn() ?? '')
}

/** That it was so. */
function expectProducts(products: Products): void {
  if (standIn() !== undefined) expect(trace.take().length > 0).toBe(products === 'cuBLASLt')
}

async function losses(device: Device, dtype: ModelDtype): Promise<number[]> {
  await using model = await tinyModel({ device, dtype })
  const optimizer = model.optimizer({ weightDecay: 0.01 })
  const rows = countingRows(8 * steps)
  const found: number[] = []
  for (let step = 0; step < steps; step++) {
    const examples = rows.slice(8 * step, 8 * step + 8)
    const batch = {
      inputIds: examples.map(({ inputIds }) => inputIds),
      labels: examples.map(({ labels }) => labels),
    }
    found.push((await optimizer.step(batch, { learningRate: 3e-3, maxGradNorm: 1 })).loss)
  }
  return found
}

/** Trains with dropout through a LoRA adapter, and prints a hash of what came out. */
const program = `
import { createHash } from 'node:crypto'
import { Model, lora } from '${root}/dist/index.js'

const config = {
  model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], vocab_size: 64, n_embd: 32, n_layer: 2, n_head: 2, n_positions: 64,
  attn_pdrop: 0.1, embd_pdrop: 0.1, resid_pdrop: 0.1, activation_function: 'gelu_new', layer_norm_epsilon: 1e-5,
}
const model = await Model.fromConfig(config, { device: 'cuda', dtype: process.argv[1], seed: 3 })
await model.addAdapter(lora({ rank: 4, alpha: 8, dropout: 0.1 }))
const optimizer = model.optimizer({})
const inputIds = [7, 20, 13, 1].map((length, row) => Array.from({ length: length + 1 }, (_, i) => (7 * row + 3 * i) % 64))
for (let step = 0; step < 4; step++) await optimizer.step({ inputIds, labels: inputIds }, { learningRate: 1e-2, maxGradNorm: 1 })
const hash = createHash('sha256')
for (const { name, trainable } of model.parameters()) if (trainable) hash.update((await model.read(name)).data)
console.log(hash.digest('hex'))
model.dispose()
`

async function hashInOrder(order: string, dtype: ModelDtype): Promise<string> {
  const settings = `${process.env.ATTUNE_CUDA_EMULATOR ?? ''},order=${order}`
  const { code, stdout, stderr } = await runProgram(program, { ATTUNE_CUDA_EMULATOR: settings }, [dtype])
  expect(code, stderr).toBe(0)
  return stdout.trim()
}

describeCuda(() => {
  // Rounding differs from the first step on, and a step of training makes more of a difference than there was.
  test.each(ways)(`the losses of ${steps} steps in %s by %s are the processor's`, async (dtype, products) => {
    const tolerance = { f32: 2e-3, bf16: 5e-2 }[dtype]
    multiplyBy(products)
    const [cpu, cuda] = [await losses('cpu', dtype), await losses('cuda', dtype)]
    expect(cpu.at(-1)).toBeLessThan(0.7 * cpu[0]!)
    const apart = cuda.map((loss, step) => Math.abs(loss - cpu[step]!) / cpu[step]!)
    expect(Math.max(...apart)).toBeLessThan(tolerance)
    expectProducts(products)
  })

  test.each(ways)('the same bits in %s by %s whatever order threads run in', async (dtype, products) => {
    multiplyBy(products)
    const hashes: string[] = []
    for (const order of ['forward', 'reverse', 'random']) hashes.push(await hashInOrder(order, dtype))
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(hashes).size).toBe(1)
    expectProducts(products)
  })
})
