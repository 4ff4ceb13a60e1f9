import { Dataset } from '../data/dataset.js'
import type { DataFinding } from '../data/encoded-task.js'
import { encodingOf, type EncodingOptions } from '../data/encoding-options.js'
import type { EncodedExample } from '../data/example.js'
import { lengthCounts, type LengthCounts } from '../data/length-counts.js'
import { exampleList, type ExampleList } from '../data/example-list.js'
import { prepareData, type TrainingData } from '../data/prepare-data.js'
import type { DatasetRow } from '../data/rows.js'
import type { Model } from '../models/model.js'

/** An example and where it comes from. */
export type PlacedExample = EncodedExample & {
  /** Index in the dataset, or among the encoded rows. */
  readonly row: number
  readonly origin: string
}

export interface PreparedExamples extends LengthCounts {
  readonly examples: ExampleList<PlacedExample>
  /** Of the dataset; absent where rows were encoded already. */
  readonly rows: readonly DatasetRow[] | undefined
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
  const prepared = await prepareData(data, model, encodingOf(options), where)
  const { findings, places } = prepared
  const isDataset = data instanceof Dataset
  const rowOf = new Map(isDataset ? data.origins.map((origin, row) => [origin, row]) : [])
  const examples = exampleList(prepared.examples.length, (index) => {
    const example: EncodedExample & { readonly row?: number | undefined } = prepared.examples.at(index)
    const place = places[index] ?? 0
    const origin = example.origin ?? `${where}[${place}]`
    return { ...example, row: example.row ?? (isDataset ? rowOf.get(origin) : place) ?? 0, origin }
  })
  return { examples, rows: isDataset ? data.rows : undefined, ...lengthCounts(prepared), findings }
}
