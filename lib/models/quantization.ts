/** How frozen weights are held: see `ModelOptions.quantization`. */
export const quantizations = ['int8', 'nf4'] as const
export type Quantization = (typeof quantizations)[number]
