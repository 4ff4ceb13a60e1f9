/** The models whose steps are measured and predicted: cases.json, which bench/peers/torch_step.py reads too. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface StepCase {
  readonly title: string
  readonly config: Readonly<Record<string, unknown>>
  readonly adapter?: {
    readonly rank: number
    readonly alpha: number
    readonly targets: 'all-linear' | readonly string[]
  }
  /** Rows of a step, and tokens of each. */
  readonly batch: number
  readonly length: number
  readonly targetLength?: number
}

/** From bench/cuda, and from dist-bench/cuda where it is compiled to. */
export const casesPath = fileURLToPath(new URL('../../bench/cuda/cases.json', import.meta.url))

export function readStepCases(): Readonly<Record<string, StepCase>> {
  return JSON.parse(readFileSync(casesPath, 'utf8')) as Readonly<Record<string, StepCase>>
}

/**
 * Sizes of configurations by which a small model differs from a large one of the same shape. It has two layers: below the adapters
 * of a single one nothing is differentiated.
 */
const smallSizes: Readonly<Record<string, number>> = {
  n_embd: 32,
  n_head: 2,
  n_layer: 2,
  n_positions: 32,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 16,
  intermediate_size: 64,
  max_position_embeddings: 32,
  d_model: 32,
  d_kv: 16,
  d_ff: 64,
  num_layers: 2,
  num_decoder_layers: 2,
  num_heads: 2,
  vocab_size: 96,
}

/** The same model and work, small enough for an emulator. */
export function smallCase({ config, adapter, targetLength, title }: StepCase): StepCase {
  const small = Object.entries(config).map(([key, value]) => [key, smallSizes[key] ?? value] as const)
  return {
    title,
    config: Object.fromEntries(small),
    ...(adapter === undefined ? {} : { adapter: { ...adapter, rank: 2 } }),
    batch: 2,
    length: 8,
    ...(targetLength === undefined ? {} : { targetLength: 4 }),
  }
}

/** Token ids and labels; the same as torch_step.py's. */
export function batchOf({ config, batch, length, targetLength }: StepCase, task: string) {
  const vocabulary = Number(config['vocab_size'])
  const rowsOf = (count: number): Int32Array[] =>
    Array.from({ length: batch }, (_, row) =>
      Int32Array.from({ length: count }, (_, i) => 1 + (((row * count + i) * 7919) % (vocabulary - 1))),
    )
  const inputIds = rowsOf(length)
  if (task === 'sequence-classification') return { inputIds, labels: inputIds.map((_, row) => row % 2) }
  return { inputIds, labels: targetLength === undefined ? inputIds : rowsOf(targetLength) }
}

export function tokensOf({ batch, length, targetLength = 0 }: StepCase): number {
  return batch * (length + targetLength)
}

/** The largest of batch, batch / 2, batch / 4, … rows whose bytes fit; 1 where none does, so that the attempt says what is missing. */
export function fittingRows(batch: number, bytesOf: (rows: number) => number, free: number): number {
  let rows = batch
  while (rows > 1 && bytesOf(rows) > free) rows = Math.floor(rows / 2)
  return rows
}
