/** The shape of `metrics/classification.json` among the goldens. */
export interface ClassificationGoldens {
  readonly tolerance: { readonly abs: number }
  readonly single_label: readonly SingleLabelGolden[]
  readonly multi_label: readonly MultiLabelGolden[]
  readonly roc_auc: readonly RankingGolden[]
  readonly roc_auc_multiclass: {
    readonly labels: readonly number[]
    readonly scores: readonly (readonly number[])[]
    readonly ovr_macro: number
    readonly ovr_weighted: number
    readonly ovo_macro: number
    readonly top_2_accuracy: number
    readonly log_loss: number
  }
  readonly regression: readonly RegressionGolden[]
}

export interface PrecisionRecallGolden {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

type Averaged = { readonly [Key in `${string}, zero_division ${0 | 1}`]?: PrecisionRecallGolden }

export interface SingleLabelGolden extends Averaged {
  readonly name: string
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
  readonly classes: readonly number[]
  readonly accuracy: number
  readonly balanced_accuracy: number | null
  readonly mcc: number
  readonly cohen_kappa: number | null
  readonly confusion_matrix: readonly (readonly number[])[]
  readonly per_class: Readonly<Record<'precision' | 'recall' | 'f1' | 'support', readonly number[]>>
  readonly fbeta2_macro: number
}

export interface MultiLabelGolden {
  readonly labels: readonly (readonly number[])[]
  readonly predictions: readonly (readonly number[])[]
  readonly subset_accuracy: number
  readonly hamming_loss: number
  readonly micro: PrecisionRecallGolden
  readonly macro: PrecisionRecallGolden
  readonly weighted: PrecisionRecallGolden
  readonly samples: PrecisionRecallGolden
}

export interface RankingGolden {
  readonly name: string
  readonly labels: readonly number[]
  readonly scores: readonly number[]
  readonly roc_auc: number
  readonly average_precision: number
  readonly log_loss: number
  readonly log_loss_clip: readonly [number, number]
}

export interface RegressionGolden {
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
  readonly mse: number
  readonly rmse: number
  readonly mae: number
  readonly r2: number
  readonly pearson: number
  readonly spearman: number
}
