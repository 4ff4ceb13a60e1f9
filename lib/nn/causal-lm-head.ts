/** The language-model head: logits, or head, softmax and cross-entropy in one op that runs on labelled rows alone. */
import { features, type GraphBuilder, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'

export interface HeadOptions {
  readonly vocabulary: number
  /** Module path of the head. */
  readonly head: string
  /** Module path of the embedding whose table is the head's weight; undefined: the head has its own. */
  readonly tiedTo: string | undefined
}

export function logits(g: GraphBuilder, hidden: Value, options: HeadOptions): Value {
  return ops.linear(g.in(options.head), { x: hidden, weight: headWeight(g, hidden, options) })
}

/** Hidden states of the rows that are asked for something. */
export function askedRows(g: GraphBuilder, hidden: Value, options: HeadOptions): Value {
  return ops.gatherRows(g.in(options.head), hidden, g.input('rows', ['rows'], 'i32', 'tokens'))
}

export function causalLoss(g: GraphBuilder, hidden: Value, options: HeadOptions & { readonly labelSmoothing: number }) {
  const rows = askedRows(g, hidden, options)
  return ops.linearCrossEntropy(
    g.in(options.head),
    {
      hidden: rows,
      weight: headWeight(g, hidden, options),
      labels: g.input('labels', ['rows'], 'i32', options.vocabulary),
      lossScale: g.input('loss_scale', [1], 'f32'),
    },
    { labelSmoothing: options.labelSmoothing },
  )
}

function headWeight(g: GraphBuilder, hidden: Value, { vocabulary, head, tiedTo }: HeadOptions): Value {
  const shape = [vocabulary, features(hidden)]
  if (tiedTo !== undefined) return g.in(tiedTo).parameter('weight', shape, 'embedding')
  const at = g.in(head)
  at.declareModule({ kind: 'linear', layout: 'out_in', inputs: features(hidden), outputs: vocabulary })
  return at.parameter('weight', shape, 'weight')
}
