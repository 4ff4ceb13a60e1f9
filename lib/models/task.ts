/** What a model is for. Tasks and families are independent: a family lists the heads it has. */
export const tasks = [
  'causal-lm',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'masked-lm',
  'seq2seq-lm',
  'embedding',
] as const
export type Task = (typeof tasks)[number]

/** Hugging Face's names of what a sequence classifier predicts: one label, any number of labels, or numbers. */
export const problemTypes = ['single_label_classification', 'multi_label_classification', 'regression'] as const
export type ProblemType = (typeof problemTypes)[number]

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
}

export const plainLoss: LossOptions = { labelSmoothing: 0, focalGamma: 0, neftuneAlpha: 0 }
