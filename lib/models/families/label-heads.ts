/** Heads that families of every kind have alike. */
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { linear } from '../../nn/linear.js'
import type { LabelHead } from '../family.js'

/** A linear layer on what a dropout leaves, for each token: tagging, or where an answer begins and ends. */
export function tokenHead(architecture: string, module: string, dropout: number): LabelHead {
  return {
    kind: 'labels',
    architecture,
    reads: 'tokens',
    modules: [module],
    logits: (g, x, outputs) => droppedLinear(g, x, { module, outputs, dropout }),
  }
}

/** A linear layer on what a dropout leaves: the head of most classifiers. */
export function droppedLinear(
  g: GraphBuilder,
  x: Value,
  { module, outputs, dropout }: { module: string; outputs: number; dropout: number },
): Value {
  return linear(g.in(module), ops.dropout(g.in('dropout'), x, dropout), { outputs })
}
