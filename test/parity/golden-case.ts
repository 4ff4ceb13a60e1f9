/** Golden cases of PyTorch's numbers: some are kept in `fixtures/`, all are in the shared folder where there is one. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import type { Batch } from '../../lib/models/batch.js'
import type { ProblemType, Task } from '../../lib/task.js'
import type { Tensor } from '../../lib/models/tensor.js'
import { goldensFolder, goldensMissing } from '../shared-goldens.js'

export interface GoldenBatch {
  readonly input_ids: readonly (readonly number[])[]
  readonly attention_mask?: readonly (readonly number[])[]
  readonly position_ids?: readonly (readonly number[])[]
  readonly token_type_ids?: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[] | number)[]
}

export interface Tolerance {
  readonly atol: number
  readonly rel_l2?: number
}

export interface TrainingCase {
  readonly model: string
  readonly task?: Task
  readonly problem_type?: ProblemType
  readonly adapter?: string
  readonly label_smoothing?: number
  readonly batches?: readonly GoldenBatch[]
  readonly steps_of_micro_batches?: readonly (readonly GoldenBatch[])[]
  readonly trainable: 'all' | readonly string[]
  readonly optimizer: {
    readonly betas: readonly [number, number]
    readonly eps: number
    readonly weight_decay: number
    readonly clip: number
  }
  readonly no_decay: readonly string[]
  readonly expected: {
    readonly loss: number
    readonly grad_norm: number
    readonly steps: readonly { readonly lr: number; readonly loss: number; readonly grad_norm: number }[]
  }
  /** How far bfloat16 autocast moved PyTorch's own numbers. */
  readonly noise?: {
    readonly bf16_autocast: { readonly logits_max: number; readonly logits_rms: number; readonly loss: number }
  }
  readonly zero_gradient?: Readonly<Record<string, readonly (readonly [number, number])[]>>
  readonly tolerance: Readonly<Record<string, Tolerance>>
}

export interface Root {
  readonly name: string
  readonly folder: string
  /** Why it cannot be read; '' where it can. */
  readonly missing: string
}

export const fixtures: Root = { name: 'fixtures', folder: join(import.meta.dirname, 'fixtures'), missing: '' }
export const goldens: Root = { name: 'goldens', folder: goldensFolder ?? '', missing: goldensMissing }

/** Reports a skipped test with the reason where the cases are missing. */
export function skipIfMissing({ missing }: Root): void {
  if (missing !== '') test.skip(missing)
}

/** Where the cases are that can be read here. */
export function present(root: Root, ids: readonly string[]): string[] {
  return root.missing !== '' ? [] : ids.filter((id) => existsSync(join(root.folder, id, 'case.json')))
}

export function readCase<Case>(root: Root, id: string): Case {
  return JSON.parse(readFileSync(join(root.folder, id, 'case.json'), 'utf8')) as Case
}

/** Without the padding. Positions count the padding on the left, as the models that made the numbers do. */
export function ragged(batch: GoldenBatch, task: Task = 'causal-lm'): Batch {
  const { input_ids, attention_mask, position_ids, token_type_ids, labels } = batch
  const kept = (values: readonly (readonly number[])[]) =>
    values.map((row, r) => row.filter((_, i) => (attention_mask?.[r]?.[i] ?? 1) === 1))
  const leftPadded = attention_mask?.some((row) => row[0] === 0) ?? false
  const positions = position_ids ?? (leftPadded ? input_ids.map((row) => row.map((_, i) => i)) : undefined)
  const aligned = task !== 'sequence-classification' && task !== 'seq2seq-lm'
  return {
    inputIds: kept(input_ids),
    labels: aligned ? kept(labels as readonly (readonly number[])[]) : labels,
    ...(token_type_ids === undefined ? {} : { tokenTypeIds: kept(token_type_ids) }),
    ...(positions === undefined ? {} : { positionIds: kept(positions) }),
  }
}

/** Logits of the real tokens of the rows that `padded` (rows, tokens, vocabulary) has; all of a decoder beside an encoder, or of texts. */
export function realRows(padded: Tensor, batch: GoldenBatch, task: Task = 'causal-lm'): Float32Array {
  if (padded.shape.length < 3 || task === 'seq2seq-lm') return padded.data
  const [rows = 0, length = 0, width = 0] = padded.shape
  const parts: Float32Array[] = []
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < length; i++) {
      if ((batch.attention_mask?.[r]?.[i] ?? 1) === 0) continue
      const start = (r * length + i) * width
      parts.push(padded.data.subarray(start, start + width))
    }
  }
  const all = new Float32Array(parts.length * width)
  parts.forEach((part, i) => all.set(part, i * width))
  return all
}
