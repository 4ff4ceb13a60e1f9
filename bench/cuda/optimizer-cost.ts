/** What the optimizer's kernels do. */
import type { KernelDtype } from './kernel-class.js'
import type { KernelCost } from './roofline.js'

export const optimizerOps = ['squared_sum', 'adamw', 'adamw_8bit'] as const
export type OptimizerOp = (typeof optimizerOps)[number]

/**
 * Of an element. squared_sum reads the gradient. adamw reads gradient, weight and both moments and writes all but the gradient, in float32;
 * of bf16 parameters it writes the working copy too. adamw_8bit has moments of a byte, and reads and writes their scales, two for 256.
 */
const bytes = {
  squared_sum: { f32: 4, bf16: 4 },
  adamw: { f32: 28, bf16: 30 },
  adamw_8bit: { f32: 16.0625, bf16: 18.0625 },
} as const
const operations = { squared_sum: 2, adamw: 14, adamw_8bit: 14 } as const
/** However many parameters there are. The chunks' sums are added up by a second one. */
const launches = { squared_sum: 2, adamw: 1, adamw_8bit: 1 } as const

function isOptimizerOp(op: string): op is OptimizerOp {
  return optimizerOps.some((each) => each === op)
}

export function optimizerCost(op: string, dtype: KernelDtype, elements: number): KernelCost {
  if (!isOptimizerOp(op)) throw new Error(`${op} is no kernel of the optimizer`)
  const work = { products: 0, attention: 0, elements: operations[op] * elements }
  return { op, ...work, bytes: bytes[op][dtype] * elements, launches: launches[op] }
}
