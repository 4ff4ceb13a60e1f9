/** A tag for each token or word; entities where tags are of the kind B-PER, I-PER, O. */
import type { EncodedExample } from '../../data/example.js'
import { largestIndex } from '../../models/probabilities.js'
import { averageOf, type MetricContext } from '../metric-options.js'
import { confusionMatrixMetric } from '../metrics/confusion-matrix.js'
import { entityMetric, type EntityScores, type TaggedRow } from '../metrics/entities.js'
import { derived, type Metric } from '../metrics/metric.js'
import { precisionRecallOf, type PrecisionRecall } from '../metrics/precision-recall.js'
import { taskMetric, type TaskMetric } from '../task-metric.js'
import { targetsOf } from './tokens.js'
import { windowReader } from './joined-windows.js'
import { lossMetric, ratioMetric, type BatchResult, type MeasuredRow, type TaskMeasure } from './task-measure.js'
import { classDetailsMetric, type ClassDetails } from './class-report.js'

export interface TagsRow extends MeasuredRow {
  /** Indices, of the labelled tokens only. */
  readonly labels: readonly number[]
  readonly predictions: readonly number[]
}

/** By tag, counting tokens. */
export interface TagsDetails extends ClassDetails {
  /** Where tags say where entities begin: by seqeval's rules. */
  readonly entities?: Omit<EntityScores, 'tokenAccuracy'>
}

export interface TagsRecord {
  readonly labels: readonly string[]
  readonly predictions: readonly string[]
  readonly correct: boolean
}

export const tagsMeasure = {
  name: 'token classification',
  metrics: {
    loss: lossMetric,
    accuracy: taskMetric<TagsRow, [number, number]>({
      of: ({ labels, predictions, weight }) => [labels.filter((label, i) => label === predictions[i]).length, weight],
      make: () => ratioMetric(),
    }),
    precision: scored('precision'),
    recall: scored('recall'),
    f1: scored('fScore'),
  },
  usual: () => ['loss', 'accuracy', 'precision', 'recall', 'f1'],
  reader: (source) => windowReader(source, tagsOfBatch, joinedTags),
  details({ labels: names, options }) {
    const classes = classDetailsMetric(names, options)
    const entities = entityMetric({ zeroDivision: options.zeroDivision })
    const named = hasEntities(names)
    return {
      add({ labels, predictions }) {
        labels.forEach((label, i) => classes.add(label, predictions[i] ?? -1))
        if (named) entities.add(tagNames(labels, names), tagNames(predictions, names))
      },
      value() {
        return { ...classes.value(), ...(named && { entities: withoutAccuracy(entities.value()) }) }
      },
    }
  },
  record: ({ labels, predictions }, { labels: names }) => ({
    labels: tagNames(labels, names),
    predictions: tagNames(predictions, names),
    correct: labels.every((label, i) => label === predictions[i]),
  }),
  isCorrect: ({ labels, predictions }) => labels.every((label, i) => label === predictions[i]),
  countLabels: ({ labels }, counts) => labels.forEach((label) => (counts[label] = (counts[label] ?? 0) + 1)),
  constant(given, { labels: names }) {
    const counts = new Float64Array(names.length)
    let total = 0
    for (const labels of given) {
      for (const label of targetsOf({ inputIds: [], labels }, 0)) {
        counts[label] = (counts[label] ?? 0) + 1
        total++
      }
    }
    const usual = largestIndex(counts)
    return ({ labels, weight }) => ({
      lossSum: labels.reduce((sum, label) => sum - Math.log((counts[label] ?? 0) / total), 0),
      weight,
      labels,
      predictions: labels.map(() => usual),
    })
  },
} satisfies TaskMeasure<TagsRow, TagsDetails, TagsRecord>

/** What of each example is labelled. */
function tagsOfBatch(examples: readonly EncodedExample[], { losses, predictions }: BatchResult): TagsRow[] {
  let at = 0
  return examples.map((example) => {
    const labels = [...targetsOf(example, 0)]
    const begin = at
    at += labels.length
    return {
      lossSum: losses.subarray(begin, at).reduce((sum, loss) => sum + loss, 0),
      weight: labels.length,
      labels,
      predictions: Array.from(predictions?.subarray(begin, at) ?? []),
    }
  })
}

/** A word has its label in one window, so a row's tags are those of its windows, one after the other. */
function joinedTags(windows: readonly TagsRow[]): TagsRow {
  return {
    lossSum: windows.reduce((sum, { lossSum }) => sum + lossSum, 0),
    weight: windows.reduce((sum, { weight }) => sum + weight, 0),
    labels: windows.flatMap(({ labels }) => labels),
    predictions: windows.flatMap(({ predictions }) => predictions),
  }
}

function withoutAccuracy({ micro, macro, weighted, perType }: EntityScores): NonNullable<TagsDetails['entities']> {
  return { micro, macro, weighted, perType }
}

/** Whether tags tell entities apart: all but O are B-…, I-…, E-… or S-…. */
function hasEntities(names: readonly string[]): boolean {
  const others = names.filter((name) => name !== 'O')
  return others.length > 0 && others.every((name) => /^[BIES]-./.test(name))
}

function tagNames(tags: readonly number[], names: readonly string[]): string[] {
  return tags.map((tag) => names[tag] ?? 'O')
}

/** Of entities, micro unless told; where tags are plain classes, of tokens, macro unless told. */
function scored(key: keyof PrecisionRecall): TaskMetric<TagsRow> {
  return taskMetric<TagsRow, TaggedRow>({
    of: ({ labels, predictions }, { labels: names }) => [tagNames(labels, names), tagNames(predictions, names)],
    make: (context) => (hasEntities(context.labels) ? ofEntities(context, key) : ofTokens(context, key)),
  })
}

function ofEntities(context: MetricContext, key: keyof PrecisionRecall): Metric<TaggedRow, number> {
  const average = averageOf(context, ['micro', 'macro', 'weighted'], 'micro')
  const metric = entityMetric({ zeroDivision: context.options.zeroDivision })
  return derived(metric, (scores) => scores[average][key])
}

function ofTokens(context: MetricContext, key: keyof PrecisionRecall): Metric<TaggedRow, number> {
  const average = averageOf(context, ['micro', 'macro', 'weighted'], 'macro')
  const metric = confusionMatrixMetric()
  const { zeroDivision } = context.options
  return {
    add: (labels, predictions) => labels.forEach((label, i) => metric.add(label, predictions[i] ?? '')),
    value: () => precisionRecallOf(metric.value(), { average, zeroDivision })[key],
  }
}
