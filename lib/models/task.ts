import type { ProblemType, Task } from '../task.js'

/** Which token stands for a text: the mean of all, the first, the last. */
export const poolings = ['mean', 'cls', 'last'] as const
export type Pooling = (typeof poolings)[number]

/** What the caller asked for; undefined: as the directory says. */
export interface TaskRequest {
  readonly task?: Task | undefined
  readonly problemType?: ProblemType | undefined
  /** Names, or how many. */
  readonly labels?: readonly string[] | number | undefined
  readonly pooling?: Pooling | undefined
  readonly normalize?: boolean | undefined
}

/** How the loss of a step is computed. */
export interface LossOptions {
  /** Target probability spread evenly over all classes. */
  readonly labelSmoothing: number
  /** Weight of each label in the mean, as torch's CrossEntropyLoss weighs. */
  readonly classWeights?: readonly number[] | undefined
  /** Weight of each label's positive rows, as torch's BCEWithLogitsLoss weighs. */
  readonly positiveWeights?: readonly number[] | undefined
  /** Focal loss (Lin et al. 2017): rows that are right already count (1 − p)^gamma. 0: plain. */
  readonly focalGamma: number
  /** Noise on the token embeddings (NEFTune, Jain et al. 2023). 0: none. */
  readonly neftuneAlpha: number
  /**
   * The backward pass computes each block (layer) again from what the block was given, instead of keeping all that the forward pass
   * made: less memory, up to a third more operations, the same bits (Chen et al. 2016).
   */
  readonly gradientCheckpointing: boolean
}

export const plainLoss: LossOptions = {
  labelSmoothing: 0,
  focalGamma: 0,
  neftuneAlpha: 0,
  gradientCheckpointing: false,
}
