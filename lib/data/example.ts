type Ids = Int32Array | readonly number[]

/** A row as token ids and what is to be predicted. */
export interface LabelledExample {
  readonly inputIds: Ids
  /** What it is in each task, `Batch.labels` says. */
  readonly labels: number | Ids
  /** 0 for the first text of a pair, 1 for the second. Default: all 0. */
  readonly tokenTypeIds?: Ids | undefined
  /** What the decoder of an encoder-decoder reads. Default: the labels, shifted right. */
  readonly decoderInputIds?: Ids | undefined
  /** Where it came from, for messages. */
  readonly origin?: string | undefined
  /** Index of its row in the dataset. */
  readonly row?: number | undefined
  /** Of a text in windows: which of them it is, from 0. Those of a row stand next to each other. Default: it is the whole text. */
  readonly window?: number | undefined
}

/** Of the task embedding: an anchor, a text that should lie close to it, and one that should not. */
export interface PairExample {
  readonly inputIds: Ids
  readonly positiveIds: Ids
  readonly negativeIds?: Ids | undefined
  /** Where it came from, for messages. */
  readonly origin?: string | undefined
}

export type EncodedExample = LabelledExample | PairExample

/** Examples side by side, as a model takes them. */
export interface ExampleBatch {
  readonly inputIds: readonly Ids[]
  readonly labels: readonly (number | Ids)[]
  readonly tokenTypeIds?: readonly Ids[]
  readonly decoderInputIds?: readonly Ids[]
}

/**
 * The examples as one batch. Pairs become anchors, then all positives, then the negatives there are: each anchor's own positive
 * is right, every other text is wrong.
 */
export function collate(
  examples: readonly EncodedExample[],
  { tokenTypes = 0 }: { /** Of the model: none where it has no table of them. */ readonly tokenTypes?: number } = {},
): ExampleBatch {
  const inputIds = examples.map((example) => example.inputIds)
  const labelled = examples.filter(isLabelled)
  if (labelled.length < examples.length) {
    const pairs = examples.filter((example): example is PairExample => !isLabelled(example))
    const negatives = pairs.flatMap(({ negativeIds }) => (negativeIds === undefined ? [] : [negativeIds]))
    const texts = [...inputIds, ...pairs.map(({ positiveIds }) => positiveIds), ...negatives]
    return { inputIds: texts, labels: pairs.map((_, index) => index) }
  }
  const typed = tokenTypes > 0 && labelled.some(({ tokenTypeIds }) => tokenTypeIds !== undefined)
  const decoded = labelled.flatMap(({ decoderInputIds }) => (decoderInputIds === undefined ? [] : [decoderInputIds]))
  return {
    inputIds,
    labels: labelled.map(({ labels }) => labels),
    ...(typed && { tokenTypeIds: labelled.map((row) => row.tokenTypeIds ?? new Int32Array(row.inputIds.length)) }),
    ...(decoded.length > 0 && { decoderInputIds: decoded }),
  }
}

export function isLabelled(example: EncodedExample): example is LabelledExample {
  return 'labels' in example
}

/** What says which row an example is of. */
export type PlaceInRow = Pick<LabelledExample, 'origin' | 'row' | 'window'>

/** Whether an example is a further window of the row that the one before it is a window of. */
export function continuesRow(before: PlaceInRow | undefined, example: PlaceInRow): boolean {
  if (before?.window === undefined || example.window === undefined) return false
  return before.row === example.row && before.origin === example.origin && example.window > before.window
}
