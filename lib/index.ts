export { AttuneError, type AttuneErrorCode, type RowProblem, type RowReason } from './errors.js'
export type { DownloadProgress } from './hub/download-progress.js'
export type { HubOptions } from './hub/hub-options.js'
export type { HubSourceOptions } from './hub/local-copy.js'
export { lora, type LoraConfig, type LoraOptions } from './nn/lora.js'
export type { Batch, BatchSizes } from './models/batch.js'
export { Decoder, type DecoderOptions, type DecoderStep, type SlotCopies } from './models/decoder.js'
export { Model, type BatchEvaluation, type Gradients, type Parameter } from './models/model.js'
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
export {
  RowStream,
  streamDataset,
  type Rows,
  type StreamedRow,
  type StreamOptions,
  type StreamSource,
} from './data/row-stream.js'
export { loadDataset, loadDatasetSplits, type DatasetSplits, type LoadDatasetOptions } from './data/load-dataset.js'
export { readSource } from './data/sources/read-source.js'
export type { HubDatasetOptions } from './data/sources/hub-dataset.js'
export { resolveFiles, resolveSplits, type SplitFiles } from './data/sources/resolve-files.js'
export type { SplitName } from './data/sources/split-paths.js'
export type { SourceItem, SourceProblem, SourceRow } from './data/sources/source-item.js'
export type { SourceFile, SourceFormat, SourceOptions, TextRows } from './data/sources/source-options.js'
export { Dataset, type AugmentOptions, type DatasetSplit, type Fold, type RowToChange } from './data/dataset.js'
export type { BalanceOptions } from './data/balance.js'
export type { FoldOptions, SplitOptions } from './data/splits/split-options.js'
export type { RandomStream } from './data/random.js'
export { loadDatasetConfig, readDatasetConfig, type ConfiguredDataset } from './data/load-dataset-config.js'
export type { DatasetConfig, DatasetFiles, DatasetPart, RowSource } from './data/dataset-config.js'
export type { ConfigOptions, DatasetOverrides } from './data/config-sources.js'
export { recognizeShape, type Recognition, type RecognizeOptions } from './data/recognize-shape.js'
export type { MappedRows, RowOptions } from './data/row-reader.js'
export {
  encodeDataset,
  type EncodedDataset,
  type EncodeDatasetOptions,
  type LossOn,
  type TrainingExample,
} from './data/encode.js'
export { encodeForTask, taskEncoders, type TaskOptions } from './data/encode-for-task.js'
export { labelsOfDataset } from './data/encode-sequence-classification.js'
export type * from './data/encoded-task.js'
export { labelCounts, labelFindings, type LabelFindingOptions } from './data/label-findings.js'
export type { ProblemType, Task } from './task.js'
export type { EncodedExample, LabelledExample, PairExample } from './data/example.js'
export type { TrainingData } from './data/prepare-data.js'
export type * from './data/rows.js'
export { showExample, type ExamplePiece } from './data/show-example.js'
export { builtInTemplateNames, type BuiltInTemplateName } from './tokenizer/chat-templates/index.js'
export { Tokenizer } from './tokenizer/tokenizer.js'
export type { AddedToken } from './tokenizer/added-tokens.js'
export type { Message, Tool } from './tokenizer/message.js'
export { Trainer, type RunOptions } from './train/trainer.js'
export { plan } from './train/plan.js'
export type { PlanOptions } from './train/plan-options.js'
export type { PlanChange, PlanSuggestion, SuggestionCode } from './train/plan-suggestion.js'
export type { BaseResult, TimeEstimate, TrainingPlan } from './train/training-plan.js'
export type { EarlyStopping } from './train/course-options.js'
export type { Freeze, Weights } from './train/learning-options.js'
export type { TrainOptions } from './train/train-options.js'
export type * from './train/events.js'
export type { WarningCode } from './train/warning-code.js'
export { schedule, type Schedule, type ScheduleName, type ScheduleOptions } from './train/schedules.js'
export { evaluate } from './evaluate/evaluate.js'
export type { CustomMetric, EvaluateOptions } from './evaluate/evaluate-options.js'
export type * from './evaluate/report.js'
export { measureExamples, type MeasuredExamples, type MeasureOptions } from './evaluate/measure-examples.js'
export { defaultMetrics, greaterIsBetter, metricNames } from './evaluate/metric-names.js'
export type { MetricOptions } from './evaluate/metric-options.js'
export { generate, generateBatch } from './generate/model-generate.js'
export type { Generation, GenerationPiece } from './generate/generate.js'
export type { GenerateOptions, Prompt } from './generate/generate-options.js'
export type { FinishReason } from './generate/decode-loop.js'
export {
  answer,
  answerStream,
  classify,
  classifyStream,
  embed,
  embedStream,
  tag,
  tagStream,
} from './predict/model-predict.js'
export type { Answer, AnsweredQuestion, AnswerOptions, Question } from './predict/answer.js'
export type {
  ClassifyOptions,
  LabelScore,
  MultiLabelPrediction,
  Prediction,
  RegressionPrediction,
  SingleLabelPrediction,
} from './predict/classify.js'
export type { EmbedOptions } from './predict/embed.js'
export type { Entity, TaggedText, TagOptions } from './predict/tag.js'
export type { Aggregation } from './predict/entities.js'
export { reportPage } from './evaluate/page/report-page.js'
export {
  deidentify,
  deidentifier,
  type Deidentifier,
  type DeidentifiedText,
  type DeidentifyFinding,
} from './prepare/deidentify.js'
export type { DeidentifyOptions } from './prepare/deidentify-options.js'
export type { PersonalDataKind } from './prepare/personal-data.js'
export { findDuplicates } from './prepare/find-duplicates.js'
export { findNearDuplicates, type NearDuplicateGroup, type NearDuplicates } from './prepare/find-near-duplicates.js'
export { NearDuplicateIndex, type NearDuplicate, type NearDuplicateOptions } from './prepare/near-duplicate-index.js'
export type { NormalizeOptions } from './prepare/normalize-text.js'
export {
  oddCharacters,
  type OddCharacter,
  type OddCharacterKind,
  type OddCharacters,
} from './prepare/odd-characters.js'
export { countScripts, scriptMix, scriptsOf, type ScriptMix } from './prepare/scripts.js'
export { inspectData, type InspectOptions } from './inspect/inspect-data.js'
export type { InspectedData } from './inspect/inspected-sources.js'
export type { InspectedFile, InspectionReport } from './inspect/inspection-report.js'
export type { Finding, FindingCode, FindingPlace, Severity } from './inspect/finding.js'
export { inspectionPage } from './inspect/page/inspection-page.js'
export {
  deduplicate,
  findLeakage,
  type DeduplicateOptions,
  type DuplicateReport,
  type DuplicateRow,
} from './prepare/deduplicate.js'
export {
  deidentifyDataset,
  type DeidentifyDatasetOptions,
  type DeidentifyReport,
} from './prepare/deidentify-dataset.js'
export { benchModel } from './bench/bench-model.js'
export type { BenchOptions } from './bench/bench-options.js'
export type * from './bench/bench-result.js'
export { chromeTrace, type ChromeTrace, type ChromeTraceName, type ChromeTraceSpan } from './profile/chrome-trace.js'
export type { Phase } from './profile/phases.js'
export { kernelSeconds, profileByOp, type KernelSpan, type OpProfile, type Profile } from './profile/profile.js'
