import { features, type GraphBuilder, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import { linear, linearOntoResidual } from './linear.js'

export interface MlpOptions {
  readonly intermediateSize: number
  readonly activation: ops.Activation
  readonly residual: Value
  readonly names: { readonly up: string; readonly down: string }
  readonly layout?: ops.WeightLayout
  readonly dropout?: number
  /** Of the second matrix. */
  readonly initScale?: number
}

/** residual + dropout(down(activation(up(x)))) */
export function mlp(g: GraphBuilder, x: Value, options: MlpOptions): Value {
  const {
    intermediateSize: outputs,
    activation,
    residual,
    names,
    layout = 'out_in',
    dropout = 0,
    initScale = 1,
  } = options
  const up = linear(g.in(names.up), x, { outputs, layout })
  const y = ops.activation(g.in('act'), up, activation)
  return linearOntoResidual(g.in(names.down), y, { outputs: features(x), layout, residual, dropout, initScale })
}
