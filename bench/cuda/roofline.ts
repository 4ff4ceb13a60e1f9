/**
 * The time of a kernel on paper (Williams et al. 2009, "Roofline"): the longer of what its operations and what its bytes take at the
 * parts of the peaks that are taken to be attainable, and a launch.
 */
import { productPeak, type Gpu } from './gpus.js'
import { classOf, kernelClasses, type KernelClass, type KernelDtype } from './kernel-class.js'

/** What a kernel does, as the op table counts it. */
export interface KernelCost {
  readonly op: string
  /** Operations of matrix products. */
  readonly products: number
  /** Operations of queries, keys and values. */
  readonly attention: number
  /** All other operations. */
  readonly elements: number
  /** Read and written, each tensor once. */
  readonly bytes: number
  /** @default 1 */
  readonly launches?: number
}

export type Bound = 'products' | 'memory' | 'elements' | 'launches'

export interface PredictedTime {
  readonly seconds: number
  /** What takes the most of it. */
  readonly bound: Bound
}

/** Between the ends of two small kernels on one stream: taken, not measured. */
export const launchSeconds = 3e-6

/** Of the peak of multiply-adds, for what is not products: exponentials, sums across threads. Taken, not measured. */
const elementShare = 0.25

export function predictKernel(cost: KernelCost, dtype: KernelDtype, gpu: Gpu): PredictedTime {
  const { products, attention, bandwidth } = secondsOf(cost, dtype, gpu)
  // Attention's exponentials are in its share.
  const elements = cost.attention > 0 ? 0 : cost.elements / (gpu.vectorPeak * elementShare)
  const launches = (cost.launches ?? 1) * launchSeconds
  const parts: readonly (readonly [Bound, number])[] = [
    ['products', products + attention],
    ['memory', bandwidth],
    ['elements', elements],
  ]
  const [bound, longest] = parts.reduce((most, part) => (part[1] > most[1] ? part : most))
  return { seconds: longest + launches, bound: launches > longest ? 'launches' : bound }
}

function secondsOf(cost: KernelCost, dtype: KernelDtype, gpu: Gpu) {
  const { attainable } = gpu
  const peak = productPeak(gpu, dtype)
  const share = classOf(cost.op) === 'attention backward' ? attainable.attentionBackward : attainable.attention
  return {
    products: cost.products / (peak * attainable.products),
    attention: cost.attention / (peak * share),
    bandwidth: cost.bytes / (gpu.bandwidth * attainable.bandwidth),
  }
}

export interface PredictedStep {
  readonly seconds: number
  /** Of all kernels. */
  readonly flops: number
  readonly kernels: number
  readonly byClass: Readonly<Record<KernelClass, number>>
}

/** One kernel after another, nothing between them. */
export function predictStep(costs: readonly KernelCost[], dtype: KernelDtype, gpu: Gpu): PredictedStep {
  const byClass = Object.fromEntries(kernelClasses.map((name) => [name, 0])) as Record<KernelClass, number>
  let [seconds, flops, kernels] = [0, 0, 0]
  for (const cost of costs) {
    const predicted = predictKernel(cost, dtype, gpu).seconds
    byClass[classOf(cost.op)] += predicted
    seconds += predicted
    flops += cost.products + cost.attention + cost.elements
    kernels += cost.launches ?? 1
  }
  return { seconds, flops, kernels, byClass }
}
