/** What data sheets say of GPUs, and the parts of it that kernels such as ours are taken to reach. */
import type { KernelDtype } from './kernel-class.js'

export interface Gpu {
  readonly name: string
  /** Whose name, as the driver says it, is this card's. */
  readonly pattern: RegExp
  /** Operations a second of tensor cores without sparsity, float32 sums. */
  readonly tensorPeak: { readonly bf16: number; readonly tf32: number }
  /** Operations a second of float32 multiply-adds outside of them. */
  readonly vectorPeak: number
  /** Bytes a second. */
  readonly bandwidth: number
  readonly attainable: AttainableShares
}

/** Parts of the peaks. docs/performance-cuda.md says where each comes from. */
export interface AttainableShares {
  readonly products: number
  readonly attention: number
  readonly attentionBackward: number
  readonly bandwidth: number
}

/** Kernels for `mma.sync` reach these where the card was made for it. */
const ampere = { products: 0.7, attention: 0.65, attentionBackward: 0.55, bandwidth: 0.85 }
/** Here the peak is of `wgmma`, which they do not use. */
const hopper = { products: 0.45, attention: 0.35, attentionBackward: 0.3, bandwidth: 0.85 }

export const gpus = {
  a100: {
    name: 'A100 80GB',
    pattern: /\bA100\b.*80 ?GB/,
    tensorPeak: { bf16: 312e12, tf32: 156e12 },
    vectorPeak: 19.5e12,
    bandwidth: 2039e9,
    attainable: ampere,
  },
  h100: {
    name: 'H100 SXM',
    pattern: /\bH100\b.*HBM3/,
    tensorPeak: { bf16: 989e12, tf32: 494.5e12 },
    vectorPeak: 67e12,
    bandwidth: 3350e9,
    attainable: hopper,
  },
  h200: {
    name: 'H200 SXM',
    // The NVL has another name and other peaks.
    pattern: /\bH200$/,
    tensorPeak: { bf16: 989e12, tf32: 494.5e12 },
    vectorPeak: 67e12,
    bandwidth: 4800e9,
    attainable: hopper,
  },
  rtx4090: {
    name: 'RTX 4090',
    pattern: /\bRTX 4090$/,
    tensorPeak: { bf16: 165e12, tf32: 82.6e12 },
    vectorPeak: 82.6e12,
    bandwidth: 1008e9,
    attainable: ampere,
  },
} as const satisfies Readonly<Record<string, Gpu>>

/** The data sheet of the card that a driver names so; undefined where there is none here. */
export function gpuNamed(hardware: string): Gpu | undefined {
  return Object.values(gpus).find(({ pattern }) => pattern.test(hardware))
}

/** What products of this dtype can reach: those of float32 are three of TensorFloat-32. */
export function productPeak({ tensorPeak }: Gpu, dtype: KernelDtype): number {
  return dtype === 'bf16' ? tensorPeak.bf16 : tensorPeak.tf32 / 3
}
