/** Long texts that were cut into windows: what the model says of the windows of a row becomes one row again. */
import { continuesRow, type EncodedExample } from '../../data/example.js'
import type { ExampleList } from '../../data/example-list.js'
import { meanLogits } from '../../models/probabilities.js'
import { logitsOf, type BatchResult, type MeasuredRow, type RowReader, type RowSource } from './task-measure.js'

/**
 * Holds what is read of each window until the last one of its row was seen.
 * @param parts what is read of a batch, an entry for each example
 * @param join a row, from all of its windows in the order of the text
 */
export function windowReader<Part, Row>(
  { examples }: RowSource,
  parts: (examples: readonly EncodedExample[], result: BatchResult) => readonly Part[],
  join: (windows: readonly Part[], first: EncodedExample) => Row,
): RowReader<Row> {
  const firsts = firstsOf(examples)
  const left = new Int32Array(examples.length)
  for (const first of firsts) left[first] = (left[first] ?? 0) + 1
  const open = new Map<number, Part[]>()
  return {
    read(indices, result) {
      const chosen = indices.map((index) => examples.at(index))
      const read = parts(chosen, result)
      return indices.flatMap((index, place) => {
        const first = firsts[index] ?? index
        const windows = open.get(first) ?? []
        open.set(first, windows)
        windows[index - first] = read[place] as Part
        left[first] = (left[first] ?? 0) - 1
        if (left[first] !== 0) return []
        open.delete(first)
        return [
          {
            index: first,
            row: join(windows, index === first ? (chosen[place] as EncodedExample) : examples.at(first)),
          },
        ]
      })
    },
  }
}

/** For each example the first one of its row. */
function firstsOf(examples: ExampleList): Int32Array {
  const firsts = new Int32Array(examples.length)
  let before: EncodedExample | undefined
  let index = 0
  for (const example of examples) {
    firsts[index] = continuesRow(before, example) ? (firsts[index - 1] ?? 0) : index
    before = example
    index++
  }
  return firsts
}

/** A text that one prediction is made of. */
export interface ReadText {
  readonly example: EncodedExample
  /** Of a text in windows their mean. */
  readonly logits: Float32Array
  /** The model's own loss; undefined of a text in windows, whose loss is that of the mean logits. */
  readonly loss: number | undefined
}

/** A row for each text of a classifier. */
export function rowPerText<Row extends MeasuredRow>(
  rowOf: (text: ReadText) => Row,
): (source: RowSource) => RowReader<Row> {
  return (source) =>
    windowReader<{ readonly logits: Float32Array; readonly loss: number }, Row>(
      source,
      (examples, result) =>
        // Copied: a row may wait for windows of later batches.
        examples.map((_, i) => ({ logits: logitsOf(result, i).slice(), loss: result.losses[i] ?? NaN })),
      (windows, example) =>
        rowOf({
          example,
          logits: meanLogits(windows.map(({ logits }) => logits)),
          loss: windows.length === 1 ? windows[0]?.loss : undefined,
        }),
    )
}
