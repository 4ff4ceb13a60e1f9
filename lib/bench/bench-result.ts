/** What `benchModel` found out. Seconds are wall-clock time; operations are floating-point ones, counted from the shapes. */
import type { ModelDtype } from '../models/model-options.js'
import type { NativeMemory } from '../native.js'
import type { Phase } from '../profile/phases.js'
import type { OpProfile, Profile } from '../profile/profile.js'
import type { ProblemType, Task } from '../task.js'

/** Seconds of the same work done several times. */
export interface Seconds {
  readonly median: number
  readonly fastest: number
  readonly slowest: number
  /** How often it was timed. */
  readonly times: number
}

/** The same work, done several times. */
export interface MeasuredWork {
  readonly seconds: Seconds
  /** By the median. */
  readonly tokensPerSecond: number
  /** Operations of the work once. The optimizer's are not among them. */
  readonly flops: number
  /** By the median. */
  readonly flopsPerSecond: number
  /** Of the operations a second that multiply-adds in registers reach. */
  readonly shareOfPeak: number
}

export interface MeasuredTraining extends MeasuredWork {
  /** Bytes that the model holds after the steps, by kind. */
  readonly memory: NativeMemory
  /** Bytes of the process that are in memory then, the model's among them. */
  readonly residentBytes: number
}

/** Rates are by the medians of `steps` times. */
export interface MeasuredGeneration {
  /** That are written at once. */
  readonly sequences: number
  /** Of each prompt; of an encoder-decoder of each source. */
  readonly promptTokens: number
  /** Of each sequence. */
  readonly newTokens: number
  /** Prompt tokens that are read a second, up to the first new token. */
  readonly promptTokensPerSecond: number
  /** New tokens after the first, of all sequences together. */
  readonly tokensPerSecond: number
}

/** All runs of an op in a step. */
export interface StepOp extends OpProfile {
  readonly shareOfPeak: number
}

/** A step of training by kernels: means over the steps that were recorded. */
export interface StepProfile {
  readonly steps: number
  /** Of a step. */
  readonly seconds: number
  /** Part of a step that was spent outside of kernels. */
  readonly outside: number
  /** Seconds in kernels of a step, by phase. */
  readonly phases: Readonly<Record<Phase, number>>
  /** The longest first; `runs` and `seconds` are of a step. */
  readonly ops: readonly StepOp[]
  /** One step, kernel by kernel. */
  readonly step: Profile
}

export interface BenchResult {
  readonly modelType: string
  readonly task: Task
  /** Of sequence classification. */
  readonly problemType: ProblemType | undefined
  readonly dtype: ModelDtype
  readonly parameters: { readonly total: number; readonly trained: number }
  readonly device: 'cpu' | 'cuda'
  /** The instruction set of a processor's kernels, the name of a GPU. */
  readonly hardware: string
  readonly threads: number
  /** Of a step. `rows` are texts: of embeddings two for each pair. */
  readonly batch: { readonly rows: number; readonly length: number; readonly targetLength: number | undefined }
  /**
   * Operations a second that all threads reach with multiply-adds in registers: of float32 on a processor, of bfloat16 on a GPU's
   * tensor cores.
   */
  readonly peak: number
  readonly training: MeasuredTraining
  readonly evaluation: MeasuredWork
  /** Of language models that write: one sequence, and as many as the batch has rows where these are more. */
  readonly generation: readonly MeasuredGeneration[]
  readonly profile: StepProfile | undefined
}
