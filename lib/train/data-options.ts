import { z } from 'zod'
import { encodingOptions, type EncodingOptions } from '../data/encoding-options.js'
import type { TrainingData } from '../data/prepare-data.js'
import { RowStream } from '../data/row-stream.js'
import type { OptionTable } from '../options.js'

const rows = z
  .custom<TrainingData>((value) => typeof value === 'object' && value !== null && 'length' in value)
  .describe('a Dataset or a list of { inputIds, labels }')

const trainingRows = z
  .custom<TrainingData | RowStream>((value) => value instanceof RowStream || rows.safeParse(value).success)
  .describe('a Dataset, a list of { inputIds, labels } or what streamDataset returns')

/** Which rows a run trains on, and how they are encoded. */
export const dataOptions = {
  train: { type: trainingRows, description: 'Rows to train on', flag: false },
  validation: { type: rows, description: 'Rows to measure during training', flag: false },
  shuffle: { type: z.boolean(), description: 'Rows come in a new random order each epoch', default: true },
  shuffleBuffer: {
    type: z.int().min(0),
    description:
      'Of a stream: rows that wait to be drawn from at random, so many in memory; 0: file order; absent: 4096',
  },
  groupByLength: { type: z.boolean(), description: 'Rows of like length share a batch', default: false },
  packing: {
    type: z.boolean(),
    description:
      'Rows are packed into bins of maxLength tokens (absent: of the longest row) that see nothing of each other; batchSize counts bins',
    default: false,
  },
  ...encodingOptions,
} satisfies OptionTable

export interface DataOptions extends EncodingOptions {
  readonly train: TrainingData | RowStream
  readonly validation?: TrainingData | undefined
  /** @default true */
  readonly shuffle?: boolean | undefined
  /** Of a stream: rows that wait to be drawn from at random; 0: file order. @default 4096 */
  readonly shuffleBuffer?: number | undefined
  /** @default false */
  readonly groupByLength?: boolean | undefined
  /** Packs rows into bins of maxLength tokens, of which batchSize then counts. @default false */
  readonly packing?: boolean | undefined
}
