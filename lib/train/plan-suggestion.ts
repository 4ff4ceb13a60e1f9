import type { ModelDtype } from '../models/model-options.js'
import type { TrainOptions } from './train-options.js'

/** What a suggestion is about. */
export type SuggestionCode =
  // The run does not fit in memory.
  | 'smaller-batch'
  | 'batch-tokens'
  | 'shorter-rows'
  | 'gradient-checkpointing'
  | 'adamw-8bit'
  | 'bf16'
  | 'lora'
  | 'bf16-lora'
  // The run is unusual.
  | 'more-rows'
  | 'fewer-epochs'
  | 'more-steps'
  | 'shorter-warmup'
  | 'learning-rate'
  | 'balanced-classes'
  // The run may not be needed.
  | 'prompt-first'
  | 'base-answers'

/** Options to change; `dtype` is the model's. */
export type PlanChange = Partial<Omit<TrainOptions, 'train' | 'validation'>> & { readonly dtype?: ModelDtype }

export interface PlanSuggestion {
  readonly code: SuggestionCode
  readonly message: string
  /** What would be changed; absent where that is no option. */
  readonly change?: PlanChange
  /** Bytes that the process would take then; computed. Of suggestions about memory. */
  readonly memory?: number
}
