/** The inputs of every model: one flat list of tokens in segments. */
import { AttuneError } from '../errors.js'
import type { GraphBuilder, Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'

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

/** What the decoder of an encoder-decoder reads. */
export function decoderTokenIds(g: GraphBuilder, vocabulary: number): Value {
  return g.input('decoder_ids', ['decoder_tokens'], 'i32', vocabulary)
}

/** Ends of the decoder's segments, after a 0. */
export function decoderSegments(g: GraphBuilder): Value {
  return g.input('decoder_cu_seqlens', ['sequences+1'], 'i32')
}

/** Segment of each token in a pair of texts, for models with a table of them. */
export function tokenTypeIds(g: GraphBuilder, limit: number): Value {
  return g.input('token_type_ids', ['tokens'], 'i32', limit)
}

/** Hidden states of the rows that are asked for something. */
export function askedRows(g: GraphBuilder, hidden: Value): Value {
  const [tokens] = hidden.shape
  if (tokens === undefined) throw new AttuneError('internal', 'a hidden state without rows', { where: g.path })
  return ops.gatherRows(g, hidden, g.input('rows', ['rows'], 'i32', tokens))
}

/** How a token is drawn from the logits of each row that is asked. */
export function samplingInputs(g: GraphBuilder): ops.SampleInputs {
  return {
    temperature: g.input('temperature', ['rows'], 'f32'),
    topK: g.input('top_k', ['rows'], 'i32'),
    topP: g.input('top_p', ['rows'], 'f32'),
    minP: g.input('min_p', ['rows'], 'f32'),
    uniform: g.input('uniform', ['rows', 2], 'i32'),
  }
}

/** What the sum of the losses is multiplied by. */
export function lossScale(g: GraphBuilder): Value {
  return g.input('loss_scale', [1], 'f32')
}
