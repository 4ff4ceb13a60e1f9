/** A model small enough for a sanitizer and an emulator, trained for some steps. */
import { Model } from '../../dist/index.js'

/** Two layers of GPT-2, float32: it learns the few rows by heart. */
const config = {
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  activation_function: 'gelu_new',
  attn_pdrop: 0,
  embd_pdrop: 0,
  resid_pdrop: 0,
  n_embd: 64,
  n_head: 4,
  n_layer: 2,
  n_positions: 32,
  vocab_size: 211,
}
const [rows, length] = [4, 24]

export interface SmallTraining {
  readonly losses: readonly number[]
  /** Of every parameter at the end. */
  readonly weights: readonly Float32Array[]
}

export async function smallTraining(device: 'cpu' | 'cuda', steps: number): Promise<SmallTraining> {
  await using model = await Model.fromConfig(config, { device, dtype: 'f32', seed: 1 })
  const optimizer = model.optimizer({ learningRate: 1e-3 })
  const inputIds = Array.from({ length: rows }, (_, row) =>
    Int32Array.from({ length }, (_, i) => (row * 53 + i * i * 7) % config.vocab_size),
  )
  const losses: number[] = []
  for (let step = 0; step < steps; step++) losses.push((await optimizer.step({ inputIds, labels: inputIds })).loss)
  const weights: Float32Array[] = []
  for (const { name } of model.parameters()) weights.push((await model.read(name)).data)
  optimizer.dispose()
  return { losses, weights }
}

export function sameBits(a: SmallTraining, b: SmallTraining): boolean {
  const bytesOf = ({ losses, weights }: SmallTraining): Buffer =>
    Buffer.concat([Float64Array.from(losses), ...weights].map((values) => Buffer.from(values.buffer)))
  return bytesOf(a).equals(bytesOf(b))
}
