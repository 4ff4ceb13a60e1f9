export { AttuneError, type AttuneErrorCode } from './errors.js'
export { lora, type LoraConfig, type LoraOptions } from './nn/lora.js'
export type { Batch } from './models/batch.js'
export { Decoder, type DecoderOptions, type DecoderStep } from './models/decoder.js'
export { Model, type BatchEvaluation, type BatchSizes, type Gradients, type Parameter } from './models/model.js'
export type { LoadOptions, ModelOptions } from './models/model-options.js'
export {
  Optimizer,
  type AdamWOptions,
  type OptimizerOptions,
  type ParameterGroup,
  type StepOptions,
  type StepResult,
} from './models/optimizer.js'
export type { ParameterPattern, TrainableSelection } from './models/parameter-selection.js'
export type { SaveOptions } from './models/save.js'
export type { Tensor } from './models/tensor.js'
