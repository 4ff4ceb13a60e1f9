import type { Tokenizer } from '../tokenizer/tokenizer.js'
import type { Dataset } from './dataset.js'
import { encodeTexts, type TextOptions } from './encode-texts.js'
import type { EmbeddingExample, EncodedTask } from './encoded-task.js'
import { nothingCut } from './length-counts.js'
import type { AnchorPositiveRow } from './rows.js'
import { requireShape } from './task.js'

export type EmbeddingOptions = TextOptions

/**
 * Anchors, what should lie close to them and, where rows have it, what should not. A row is left out ('skip') when one of
 * its texts is too long.
 * @throws AttuneError 'sequence-too-long', 'invalid-dataset', naming the rows
 */
export async function encodeEmbedding(
  dataset: Dataset,
  tokenizer: Tokenizer,
  options: EmbeddingOptions = {},
): Promise<EncodedTask<EmbeddingExample>> {
  requireShape(dataset, 'embedding', ['anchor-positive'])
  const cut = new Set<number>()
  let truncatedTokens = 0
  const encodeSide = async (side: 'anchor' | 'positive' | 'negative'): Promise<Map<number, Int32Array>> => {
    const ids = new Map<number, Int32Array>()
    const rows = dataset.rows.flatMap((row, index) => ((row as AnchorPositiveRow)[side] === undefined ? [] : [index]))
    const present = dataset.filter((row) => (row as AnchorPositiveRow)[side] !== undefined)
    const textOf = (row: AnchorPositiveRow): string => row[side] ?? ''
    const counts = await encodeTexts(present, tokenizer, textOf, options, (text, index) => {
      const row = rows[index] ?? -1
      ids.set(row, text.ids)
      if (text.kept !== undefined) cut.add(row)
    })
    truncatedTokens += counts.truncatedTokens
    return ids
  }
  const anchors = await encodeSide('anchor')
  const positives = await encodeSide('positive')
  const negatives = await encodeSide('negative')
  const examples: EmbeddingExample[] = []
  let tokens = 0
  dataset.origins.forEach((origin, row) => {
    const inputIds = anchors.get(row)
    const positiveIds = positives.get(row)
    const negativeIds = negatives.get(row)
    const wanted = (dataset.rows[row] as AnchorPositiveRow).negative !== undefined
    if (inputIds === undefined || positiveIds === undefined || (wanted && negativeIds === undefined)) return
    tokens += inputIds.length + positiveIds.length + (negativeIds?.length ?? 0)
    examples.push({ inputIds, positiveIds, ...(negativeIds === undefined ? {} : { negativeIds }), row, origin })
  })
  const skipped = dataset.length - examples.length
  const counts = { ...nothingCut, truncated: cut.size, truncatedTokens, skipped }
  return { examples, labels: [], tokens, targets: examples.length, ...counts, findings: [] }
}
