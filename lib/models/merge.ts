/** A weight with its adapter multiplied in, computed by the core in float32. */
import { GraphBuilder, type LowRank, type ModuleSpec } from '../graph/builder.js'
import * as ops from '../graph/ops.js'
import type { NativeSession } from '../native.js'

/**
 * W + scale · B A, in W's own layout.
 * The rank is the inner size: (out, r) times (r, in) for a Linear; (in, r) times (r, out) for a Conv1D or a table.
 */
export async function mergedWeight(
  session: NativeSession,
  module: ModuleSpec,
  { rank, scale, magnitude }: LowRank,
): Promise<Float32Array> {
  const prefix = `base_model.model.${module.path}.lora_`
  const names = module.kind === 'embedding' ? ['embedding_A', 'embedding_B'] : ['A.weight', 'B.weight']
  const base = await session.readParameter(`${module.path}.weight`)
  const a = await session.readParameter(`${prefix}${names[0]}`) // (rank, in)
  const b = await session.readParameter(`${prefix}${names[1]}`) // (out, rank)
  const straight = module.kind === 'linear' && module.layout === 'out_in'
  const [rows, columns] = straight ? [module.outputs, module.inputs] : [module.inputs, module.outputs]

  const g = GraphBuilder.create({ dtype: 'f32', mode: 'evaluate' }).in(module.path)
  const x = g.input('x', [rows, rank], 'f32')
  const weight = g.input('weight', straight ? [rank, columns] : [columns, rank], 'f32')
  const addend = g.input('base', [rows, columns], 'f32')
  const layout = straight ? 'in_out' : 'out_in'
  g.output('merged', ops.linear(g, { x, weight, addend }, { layout, scale }))
  const program = session.compile(g.graph)
  try {
    const inputs = straight ? { x: b, weight: a, base } : { x: transposed(a, rank), weight: b, base }
    const { merged } = await session.run(program, { sizes: {}, inputs }, { fetch: ['merged'] })
    const result = merged as Float32Array
    if (magnitude) scaleOutputs(result, await session.readParameter(`${prefix}magnitude_vector`), module)
    return result
  } finally {
    program.dispose()
  }
}

/** Euclidean norm of what each output of a linear module weighs its inputs with. */
export function outputNorms(weight: Float32Array, { layout, inputs, outputs }: ModuleSpec): Float32Array {
  const squares = new Float64Array(outputs)
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const value = weight[layout === 'out_in' ? o * inputs + i : i * outputs + o] ?? 0
      squares[o] = (squares[o] ?? 0) + value * value
    }
  }
  return Float32Array.from(squares, Math.sqrt)
}

/** DoRA: each output's weights as long as its magnitude says; where they are all 0 they stay so. */
function scaleOutputs(weight: Float32Array, magnitude: Float32Array, module: ModuleSpec): void {
  const norms = outputNorms(weight, module)
  const { layout, inputs, outputs } = module
  for (let o = 0; o < outputs; o++) {
    const norm = norms[o] ?? 0
    const factor = norm > 0 ? (magnitude[o] ?? 0) / norm : 0
    for (let i = 0; i < inputs; i++) {
      const at = layout === 'out_in' ? o * inputs + i : i * outputs + o
      weight[at] = (weight[at] ?? 0) * factor
    }
  }
}

/** (rows, n) as (n, rows). */
function transposed(data: Float32Array, rows: number): Float32Array {
  const columns = data.length / rows
  const result = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] ?? 0
  }
  return result
}
