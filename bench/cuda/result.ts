/** What a run of the suite found out: the JSON file, and what the page is made of. */
import type { Machine } from '../machine.js'
import type { Absent } from './absent.js'
import type { Correctness } from './correctness.js'
import type { Estimate } from './estimate.js'
import type { GpuFacts } from './gpu-facts.js'
import type { KernelClass, KernelDtype } from './kernel-class.js'
import type { KernelCost, PredictedTime } from './roofline.js'

export interface KernelResult extends Required<Omit<KernelCost, 'launches'>> {
  readonly name: string
  readonly class: KernelClass
  readonly dtype: KernelDtype
  readonly how: 'copies' | 'root' | 'optimizer'
  /** Of one run. */
  readonly time: Estimate | Absent
  /** The same by attune's own kernels, where products of `time` are cuBLASLt's. */
  readonly own?: Estimate | Absent
  /** On this card by its data sheet; undefined where there is none here. */
  readonly predicted: PredictedTime | undefined
}

/** One pass of attention at one shape, beside PyTorch's scaled_dot_product_attention. */
export interface AttentionResult {
  /** As in the kernel's name. */
  readonly shape: string
  readonly length: number
  readonly headDim: number
  readonly causal: boolean
  readonly pass: 'forward' | 'backward'
  /** Operations of its products over the pairs that see each other: of both. */
  readonly flops: number
  readonly ours: Estimate | Absent
  readonly theirs: Estimate | Absent
  /** attune's speed over PyTorch's; undefined where one is missing. */
  readonly speedup: number | undefined
}

export interface StepResult {
  readonly case: string
  readonly title: string
  readonly dtype: KernelDtype
  /** Rows of a step: fewer than the case says where these do not fit. */
  readonly rows: number
  readonly tokens: number
  readonly flops: number
  /** A round each, in turns with PyTorch's. */
  readonly time: Estimate | Absent
  /** The same with every kernel launched by itself (ATTUNE_CUDA_GRAPHS=off). */
  readonly timeWithoutGraphs: Estimate | Absent
  /** Bytes: planned, which is what is then taken, and what the card lost meanwhile. */
  readonly plannedBytes: number
  readonly peakBytes: number | undefined
  readonly predictedSeconds: number | undefined
  readonly peers: readonly PeerResult[]
}

export interface PeerResult {
  readonly variant: string
  readonly time: Estimate | Absent
  readonly peakBytes: number | undefined
}

/** Measured in the same run. */
export interface Peaks {
  /** Operations a second of bf16 products on tensor cores, operands in registers. */
  readonly tensor: number
  /** Bytes read a second. */
  readonly bandwidth: number
}

export interface CudaResult {
  /** False of a dry run: then there are no figures. */
  readonly measured: boolean
  readonly date: string
  readonly machine: Machine
  readonly device: { readonly kind: 'cpu' | 'cuda'; readonly hardware: string; readonly products: string }
  /** Before and after; undefined where nvidia-smi is not there. */
  readonly gpu: { readonly before: GpuFacts; readonly after: GpuFacts } | undefined
  readonly peaks: Peaks | Absent
  readonly python: PythonVersions | Absent
  readonly correctness: Correctness | undefined
  readonly kernels: readonly KernelResult[]
  readonly attention: readonly AttentionResult[]
  readonly steps: readonly StepResult[]
}

export interface PythonVersions {
  readonly python: string
  readonly torch: string
  readonly cuda: string
  readonly device: string
}
