import { Dataset } from '../data/dataset.js'
import type { DataFinding } from '../data/encoded-task.js'
import type { EncodedExample } from '../data/example.js'
import { prepareData, type EncodingOptions, type TrainingData } from '../data/prepare-data.js'
import type { DatasetRow } from '../data/rows.js'
import type { Model } from '../models/model.js'

/** An example and where it comes from. */
export type PlacedExample = EncodedExample & {
  /** Index in the dataset, or among the encoded rows. */
  readonly row: number
  readonly origin: string
}

export interface PreparedExamples {
  readonly examples: readonly PlacedExample[]
  /** Of the dataset; absent where rows were encoded already. */
  readonly rows: readonly DatasetRow[] | undefined
  readonly truncated: number
  readonly skipped: number
  readonly findings: readonly DataFinding[]
}

/** Options that only some tasks have a use for, and what they are where they are not given. */
type EvaluationEncoding = Omit<EncodingOptions, 'labelPieces'>

/** Encodes a dataset for the model's task, or takes encoded rows. @throws AttuneError as `prepareData` does */
export async function prepareExamples(
  data: TrainingData,
  model: Model,
  options: EvaluationEncoding,
  where = 'data',
): Promise<PreparedExamples> {
  const { tokenizer, lossOn, maxLength, truncation, stride, prefix, maxTargetLength, signal } = options
  const { maskProbability, wholeWord, seed } = options
  const encoding = { tokenizer, lossOn, maxLength, truncation, stride, prefix, maxTargetLength, signal }
  const masking = { maskProbability, wholeWord, seed }
  const prepared = await prepareData(data, model, { ...encoding, ...masking }, where)
  const { truncated, skipped, findings } = prepared
  const isDataset = data instanceof Dataset
  const rowOf = new Map(isDataset ? data.origins.map((origin, row) => [origin, row]) : [])
  const place = new Map<unknown, number>(isDataset ? [] : data.map((example, row) => [example, row]))
  const examples = prepared.examples.map((example: EncodedExample & { readonly row?: number }) => {
    const origin = example.origin ?? `${where}[${place.get(example)}]`
    return { ...example, row: example.row ?? place.get(example) ?? rowOf.get(origin) ?? 0, origin }
  })
  return { examples, rows: isDataset ? data.rows : undefined, truncated, skipped, findings }
}
