/** The inputs of every model: one flat list of tokens in segments. */
import type { GraphBuilder, Value } from '../graph/builder.js'

export function tokenIds(g: GraphBuilder, vocabulary: number): Value {
  return g.input('ids', ['tokens'], 'i32', vocabulary)
}

/** Position of each token in its text. */
export function positions(g: GraphBuilder, limit: number): Value {
  return g.input('positions', ['tokens'], 'i32', limit)
}

/** Ends of the segments, after a 0. */
export function segments(g: GraphBuilder): Value {
  return g.input('cu_seqlens', ['sequences+1'], 'i32')
}
