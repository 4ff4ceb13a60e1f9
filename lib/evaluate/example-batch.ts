import type { Batch } from '../models/batch.js'
import type { ModelDefinition } from '../models/family.js'

/** An encoded row, as far as a model reads it. */
export interface ModelExample {
  readonly inputIds: Int32Array | readonly number[]
  readonly labels: number | readonly number[] | Int32Array
  readonly tokenTypeIds?: Int32Array | readonly number[] | undefined
  readonly decoderInputIds?: Int32Array | readonly number[] | undefined
}

/** The examples as one batch for the model. */
export function batchOf(
  examples: readonly ModelExample[],
  { tokenTypes = 0 }: Pick<ModelDefinition, 'tokenTypes'>,
): Batch & { readonly labels: NonNullable<Batch['labels']> } {
  const inputIds = examples.map((example) => example.inputIds)
  const labels = examples.map((example) => example.labels)
  const typed = tokenTypes > 0 && examples.some((example) => example.tokenTypeIds !== undefined)
  const decoderRows = examples.flatMap(({ decoderInputIds }) =>
    decoderInputIds === undefined ? [] : [decoderInputIds],
  )
  return {
    inputIds,
    labels,
    ...(typed && { tokenTypeIds: examples.map((one) => one.tokenTypeIds ?? new Int32Array(one.inputIds.length)) }),
    ...(decoderRows.length > 0 && { decoderInputIds: decoderRows }),
  }
}
