import { features, type GraphBuilder, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'

export function layerNorm(g: GraphBuilder, x: Value, eps: number, bias = true): Value {
  const size = [features(x)]
  return ops.layerNorm(
    g,
    { x, weight: g.parameter('weight', size, 'norm'), bias: bias ? g.parameter('bias', size, 'bias') : undefined },
    { eps },
  )
}

/**
 * RMS norm of the whole row, or of each group of `width` features by itself.
 * @param weightOffset added to the weight. @default 0
 */
export function rmsNorm(g: GraphBuilder, x: Value, eps: number, weightOffset?: number, width = features(x)): Value {
  return ops.rmsNorm(
    g,
    { x, weight: g.parameter('weight', [width], 'norm', { initial: 1 - (weightOffset ?? 0) }) },
    { eps, ...(weightOffset === undefined ? {} : { weightOffset }) },
  )
}
