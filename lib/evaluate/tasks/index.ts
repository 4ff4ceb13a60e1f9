/** Which measure a model has, by its task and problem type. */
import type { ModelDefinition } from '../../models/family.js'
import { answersMeasure } from './answers.js'
import { embeddingsMeasure } from './embeddings.js'
import { multiLabelMeasure } from './multi-label.js'
import { regressionMeasure } from './regression.js'
import { singleLabelMeasure } from './single-label.js'
import type { MeasuredRow, TaskMeasure } from './task-measure.js'
import { tagsMeasure } from './tags.js'
import { tokensMeasure } from './tokens.js'

/** What decides which metrics fit. */
export type MeasuredModel = Pick<ModelDefinition, 'task' | 'problemType' | 'labels'>

const measuresOfProblem = {
  single_label_classification: singleLabelMeasure,
  multi_label_classification: multiLabelMeasure,
  regression: regressionMeasure,
} as const

/** Hands on the measure, whatever its rows are. */
export function withMeasure<Result>(
  { task, problemType }: MeasuredModel,
  use: <Row extends MeasuredRow, Details extends object, Record_ extends object>(
    measure: TaskMeasure<Row, Details, Record_>,
  ) => Result,
): Result {
  switch (task) {
    case 'causal-lm':
    case 'masked-lm':
    case 'seq2seq-lm':
      return use(tokensMeasure)
    case 'sequence-classification':
      switch (measuresOfProblem[problemType ?? 'single_label_classification']) {
        case regressionMeasure:
          return use(regressionMeasure)
        case multiLabelMeasure:
          return use(multiLabelMeasure)
        default:
          return use(singleLabelMeasure)
      }
    case 'token-classification':
      return use(tagsMeasure)
    case 'question-answering':
      return use(answersMeasure)
    case 'embedding':
      return use(embeddingsMeasure)
  }
}
