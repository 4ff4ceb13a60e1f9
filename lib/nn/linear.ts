import { features, type GraphBuilder, type Value } from '../graph/builder.js'
import * as ops from '../graph/ops.js'

export interface LinearOptions {
  readonly outputs: number
  /** @default true */
  readonly bias?: boolean
  /** 'in_out' is GPT-2's Conv1D. @default 'out_in' */
  readonly layout?: ops.WeightLayout
  /** Added to the result in the same pass (the residual branch). */
  readonly addend?: Value | undefined
  readonly initScale?: number
}

/** x W + bias, with the module's adapter if it has one. */
export function linear(g: GraphBuilder, x: Value, options: LinearOptions): Value {
  const { outputs, bias = true, layout = 'out_in', addend, initScale = 1 } = options
  const inputs = features(x)
  g.declareModule({ kind: 'linear', layout, inputs, outputs })
  const weight = g.parameter('weight', layout === 'out_in' ? [outputs, inputs] : [inputs, outputs], 'weight', {
    initScale,
  })
  const biasValue = bias ? g.parameter('bias', [outputs], 'bias') : undefined
  const adapter = g.adapter
  if (adapter === undefined) return ops.linear(g, { x, weight, bias: biasValue, addend }, { layout })
  const a = g.adapterParameter('lora_A.weight', [adapter.rank, inputs])
  const b = g.adapterParameter('lora_B.weight', [outputs, adapter.rank])
  const u = ops.linear(g.in('lora_A'), { x: ops.dropout(g.in('lora_dropout'), x, adapter.dropout), weight: a })
  const lowRank = { u, b }
  const { scale } = adapter
  if (!adapter.magnitude) {
    return ops.linear(g, { x, weight, bias: biasValue, lowRank, addend }, { layout, lowRankScale: scale })
  }
  // DoRA (Liu et al. 2024): x (W + scale B A) with each output's weights as long as its magnitude says, plus the bias.
  const at = g.in('lora_magnitude_vector')
  const norm = ops.lowRankWeightNorm(at, { weight, a, b }, { layout, scale })
  const magnitude = g.adapterParameter('lora_magnitude_vector', [outputs])
  const y = ops.linear(g, { x, weight, lowRank }, { layout, lowRankScale: scale })
  return ops.magnitude(at, { x: y, magnitude, norm, bias: biasValue, addend })
}

/** residual + dropout(linear(x)). Without dropout the sum happens inside the matrix product. */
export function linearOntoResidual(
  g: GraphBuilder,
  x: Value,
  options: LinearOptions & { readonly residual: Value; readonly dropout?: number; readonly dropoutName?: string },
): Value {
  const { residual, dropout = 0, dropoutName = 'dropout', ...rest } = options
  if (dropout === 0 || g.mode !== 'train') return linear(g, x, { ...rest, addend: residual })
  const y = linear(g, x, rest)
  const at = g.in(dropoutName)
  return ops.add(at, residual, ops.dropout(at, y, dropout))
}
