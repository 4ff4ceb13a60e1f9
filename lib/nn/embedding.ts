import type { GraphBuilder, Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import { segments, tokenIds } from './inputs.js'

export interface EmbeddingOptions {
  readonly vocabulary: number
  readonly features: number
  /** Row that gets no gradient as an input. */
  readonly paddingIndex?: number | undefined
}

/**
 * Rows of a table, or those that an adapter has in their place, with the module's low-rank adapter if it has one (PEFT's: A is
 * (rank, vocabulary), no dropout).
 */
export function embedding(g: GraphBuilder, ids: Value, options: EmbeddingOptions): Value {
  const { vocabulary, features, paddingIndex } = options
  g.declareModule({ kind: 'embedding', layout: 'in_out', inputs: vocabulary, outputs: features })
  const table = g.parameter('weight', [vocabulary, features], 'embedding', { paddingIndex })
  const y = ops.embedding(g, table, ids, { vocabulary, paddingIndex, tokens: g.tokenRows(features) })
  const adapter = g.adapter
  if (adapter === undefined) return y
  const a = g.adapterParameter('lora_embedding_A', [adapter.rank, vocabulary])
  const b = g.adapterParameter('lora_embedding_B', [features, adapter.rank])
  const u = ops.embedding(g.in('lora_embedding_A'), a, ids, { vocabulary, paddingIndex, transposed: true })
  return ops.linear(g.in('lora_embedding_B'), { x: u, weight: b, addend: y }, { scale: adapter.scale })
}

/** What a model makes of its tokens first: rows of a table, scaled where the family does so, noisy where training asks for it. */
export function tokenEmbedding(
  g: GraphBuilder,
  { scale, ...options }: EmbeddingOptions & { /** @default 1 */ readonly scale?: number | undefined },
): Value {
  const tokens = embedding(g, tokenIds(g, options.vocabulary), options)
  const scaled = scale === undefined ? tokens : ops.scale(g, tokens, scale)
  return ops.embeddingNoise(g.in('neftune'), scaled, segments(g), g.neftuneAlpha)
}
