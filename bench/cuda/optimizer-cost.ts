/** What the optimizer's kernels do. */
import type { KernelDtype } from './kernel-class.js'
import type { KernelCost } from './roofline.js'

export type OptimizerOp = 'squared_sum' | 'adamw'

/**
 * Of an element. squared_sum reads the gradient. adamw reads gradient, weight and both moments and writes all but the gradient, in float32;
 * of bf16 parameters it writes the working copy too.
 */
const bytes = { squared_sum: { f32: 4, bf16: 4 }, adamw: { f32: 28, bf16: 30 } } as const
const operations = { squared_sum: 2, adamw: 14 } as const
/** However many parameters there are. The chunks' sums are added up by a second one. */
const launches = { squared_sum: 2, adamw: 1 } as const

export function optimizerCost(op: string, dtype: KernelDtype, elements: number): KernelCost {
  if (op !== 'squared_sum' && op !== 'adamw') throw new Error(`${op} is no kernel of the optimizer`)
  const work = { products: 0, attention: 0, elements: operations[op] * elements }
  return { op, ...work, bytes: bytes[op][dtype] * elements, launches: launches[op] }
}
