/** Ops by what limits their kernels. */

export type KernelDtype = 'f32' | 'bf16'

export const kernelClasses = ['products', 'head and loss', 'attention', 'attention backward', 'memory'] as const
export type KernelClass = (typeof kernelClasses)[number]

const classes: Readonly<Record<string, KernelClass>> = {
  linear: 'products',
  linear_weight_gradient: 'products',
  low_rank_weight_norm: 'products',
  linear_cross_entropy: 'head and loss',
  attention: 'attention',
  attention_backward: 'attention backward',
  cached_attention: 'attention',
}

/** What has no product is bound by memory. */
export function classOf(op: string): KernelClass {
  return classes[op] ?? 'memory'
}
