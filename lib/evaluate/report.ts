/** What `evaluate` gives: plain data, that JSON holds. (NaN becomes null there.) */
import type { DataFinding } from '../data/encoded-task.js'
import type { LengthCounts } from '../data/length-counts.js'
import type { ShapeName } from '../data/rows.js'
import type { Interval, Comparison } from './metrics/bootstrap.js'
import type { McNemar } from './metrics/mcnemar.js'
import type { AnswersDetails, AnswersRecord, answersMeasure } from './tasks/answers.js'
import type { embeddingsMeasure, RetrievalDetails, RetrievalRecord } from './tasks/embeddings.js'
import type { MultiLabelDetails, multiLabelMeasure, MultiLabelRecord } from './tasks/multi-label.js'
import type { RegressionDetails, regressionMeasure, RegressionRecord } from './tasks/regression.js'
import type { SingleLabelDetails, singleLabelMeasure, SingleLabelRecord } from './tasks/single-label.js'
import type { TagsDetails, tagsMeasure, TagsRecord } from './tasks/tags.js'
import type { textMetrics } from './tasks/texts.js'
import type { tokensMeasure, TokensRecord } from './tasks/tokens.js'

/** What every record has. */
export interface RecordPlace {
  /** Index of the row in the data. */
  readonly row: number
  /** Where it came from, as `file:line`; of encoded rows `data[n]`. */
  readonly origin: string
  /** What the model read; absent where rows were encoded already. */
  readonly text?: string
  readonly textPair?: string
  /** Mean of the row's losses; absent where nothing of it carries one. */
  readonly loss?: number
}

/** What a model wrote for a row. */
export interface GeneratedText {
  readonly prompt: string
  readonly prediction: string
  readonly reference: string
  /** Whether both are the same but for spaces at the ends. */
  readonly exactMatch: boolean
}

export interface BaselineReport {
  /** What it is, in words. */
  readonly description: string
  /** By metric, those of the report that can be said of it. */
  readonly metrics: Readonly<Record<string, number>>
  /** Where `confidence` was asked for: `first` is the baseline, `second` the model, on the same resampled rows. */
  readonly comparisons?: Readonly<Record<string, Comparison>>
  /** `first` is the baseline, `second` the model; where a row is right or wrong as a whole. */
  readonly mcnemar?: McNemar
}

export type BaselineName = 'majority' | 'untuned' | 'few-shot'

export interface ModelDescription {
  readonly directory: string | undefined
  readonly modelType: string
  readonly architecture: string
  readonly labels: readonly string[]
  readonly parameters: number
  readonly dtype: string
  /** Of a LoRA adapter: its rank and modules. */
  readonly adapter?: { readonly rank: number; readonly targets: readonly string[] }
}

export interface DataDescription {
  readonly shape: ShapeName | undefined
  /** Files the rows came from; none where they did not come from files. */
  readonly files: readonly string[]
  /** Rows of each label; tokens, of token classification. */
  readonly labelCounts?: Readonly<Record<string, number>>
}

export interface EvaluationWarning {
  readonly code: DataFinding['code'] | 'undefined-metric' | 'no-baseline'
  readonly message: string
}

export interface EvaluationBase<Metric extends string, Details, Record_> extends LengthCounts {
  /** By name. Shares are of 1; BLEU, chrF and TER are of 100. */
  readonly metrics: Readonly<Partial<Record<Metric, number>>>
  /** Where `confidence` was asked for. */
  readonly intervals?: Readonly<Partial<Record<Metric, Interval>>>
  /** By the names of `customMetrics`. */
  readonly custom?: Readonly<Record<string, number | object>>
  readonly details: Details
  readonly baselines: Readonly<Partial<Record<BaselineName, BaselineReport>>>
  readonly warnings: readonly EvaluationWarning[]
  /** Rows of the data that were measured. */
  readonly rows: number
  /** What has a label: tokens, or rows. */
  readonly targets: number
  /** The same, of language models. */
  readonly tokens?: number
  readonly seconds: number
  /** In the order of the data, where `records` was asked for. */
  readonly records?: readonly (RecordPlace & Record_)[]
  /** The rows with the highest loss, of those that are wrong. */
  readonly worst: readonly (RecordPlace & Record_)[]
  readonly model: ModelDescription
  readonly data: DataDescription
  readonly run: {
    readonly attune: string
    readonly node: string
    readonly platform: string
    /** ISO 8601. */
    readonly date: string
    readonly seconds: number
    /** Those given, as far as they are data. */
    readonly options: Readonly<Record<string, unknown>>
  }
}

/** A task's report: each metric stands under its own name too, `report.accuracy` for `report.metrics.accuracy`. */
type TaskReport<Metric extends string, Details, Record_, Kind> = EvaluationBase<Metric, Details, Record_> &
  Readonly<Partial<Record<EvaluationMetric, number>>> &
  Kind

type MetricsOf<Measure extends { readonly metrics: object }> = keyof Measure['metrics'] & string
export type TextMetric = keyof typeof textMetrics

/** What can be measured, of whatever task. */
export type EvaluationMetric =
  | MetricsOf<typeof tokensMeasure>
  | TextMetric
  | MetricsOf<typeof singleLabelMeasure>
  | MetricsOf<typeof multiLabelMeasure>
  | MetricsOf<typeof regressionMeasure>
  | MetricsOf<typeof tagsMeasure>
  | MetricsOf<typeof answersMeasure>
  | MetricsOf<typeof embeddingsMeasure>

export type LanguageModelReport = TaskReport<
  MetricsOf<typeof tokensMeasure> | TextMetric,
  object,
  TokensRecord & { readonly generated?: GeneratedText },
  {
    readonly task: 'causal-lm' | 'masked-lm' | 'seq2seq-lm'
    readonly problemType: undefined
  }
>

export type SingleLabelReport = TaskReport<
  MetricsOf<typeof singleLabelMeasure>,
  SingleLabelDetails,
  SingleLabelRecord,
  {
    readonly task: 'sequence-classification'
    readonly problemType: 'single_label_classification'
  }
>

export type MultiLabelReport = TaskReport<
  MetricsOf<typeof multiLabelMeasure>,
  MultiLabelDetails,
  MultiLabelRecord,
  {
    readonly task: 'sequence-classification'
    readonly problemType: 'multi_label_classification'
  }
>

export type RegressionReport = TaskReport<
  MetricsOf<typeof regressionMeasure>,
  RegressionDetails,
  RegressionRecord,
  {
    readonly task: 'sequence-classification'
    readonly problemType: 'regression'
  }
>

export type TokenClassificationReport = TaskReport<
  MetricsOf<typeof tagsMeasure>,
  TagsDetails,
  TagsRecord,
  {
    readonly task: 'token-classification'
    readonly problemType: undefined
  }
>

export type QuestionAnsweringReport = TaskReport<
  MetricsOf<typeof answersMeasure>,
  AnswersDetails,
  AnswersRecord,
  {
    readonly task: 'question-answering'
    readonly problemType: undefined
  }
>

export type EmbeddingReport = TaskReport<
  MetricsOf<typeof embeddingsMeasure>,
  RetrievalDetails,
  RetrievalRecord,
  {
    readonly task: 'embedding'
    readonly problemType: undefined
  }
>

/** Told apart by `task` and `problemType`. */
export type EvaluationReport =
  | LanguageModelReport
  | SingleLabelReport
  | MultiLabelReport
  | RegressionReport
  | TokenClassificationReport
  | QuestionAnsweringReport
  | EmbeddingReport

export type EvaluationRecord = RecordPlace & Readonly<Record<string, unknown>>
