import { z } from 'zod'
import { encodingOptions, type EncodingOptions } from '../data/encoding-options.js'
import type { TrainingData } from '../data/prepare-data.js'
import type { OptionTable } from '../options.js'

const rows = z
  .custom<TrainingData>((value) => typeof value === 'object' && value !== null && 'length' in value)
  .describe('a Dataset or a list of { inputIds, labels }')

/** Which rows a run trains on, and how they are encoded. */
export const dataOptions = {
  train: { type: rows, description: 'Rows to train on', flag: false },
  validation: { type: rows, description: 'Rows to measure during training', flag: false },
  shuffle: { type: z.boolean(), description: 'Rows come in a new random order each epoch', default: true },
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
  readonly train: TrainingData
  readonly validation?: TrainingData | undefined
  /** @default true */
  readonly shuffle?: boolean | undefined
  /** @default false */
  readonly groupByLength?: boolean | undefined
  /** Packs rows into bins of maxLength tokens, of which batchSize then counts. @default false */
  readonly packing?: boolean | undefined
}
