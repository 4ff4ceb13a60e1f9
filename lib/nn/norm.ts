import { features, type GraphBuilder, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'

export function layerNorm(g: GraphBuilder, x: Value, eps: number): Value {
  const size = [features(x)]
  return ops.layerNorm(
    g,
    { x, weight: g.parameter('weight', size, 'norm'), bias: g.parameter('bias', size, 'bias') },
    { eps },
  )
}

export function rmsNorm(g: GraphBuilder, x: Value, eps: number): Value {
  return ops.rmsNorm(g, { x, weight: g.parameter('weight', [features(x)], 'norm') }, { eps })
}
