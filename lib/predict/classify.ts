import { z } from 'zod'
import type { TextOrPair } from '../data/encode-texts.js'
import { AttuneError } from '../errors.js'
import type { Model } from '../models/model.js'
import { sigmoid, softmax } from '../models/probabilities.js'
import { settleOptions, type OptionTable, type Settled } from '../options.js'
import { cutOrWindowOptions, runOptions, type CutOrWindowOptions, type RunOptions } from './predict-options.js'
import { wholeTexts } from './prepare-texts.js'
import type { Source } from './predict-rows.js'
import { predictList, predictStream, type VerbContext, type VerbOf } from './verb.js'

const share = z.number().min(0).max(1)

export const classifyOptions = {
  topK: {
    type: z.union([z.int().min(0), z.literal('all')]).describe("a whole number, or 'all'"),
    description: "How many labels to list with their scores, the likeliest first, or 'all' of them",
    default: 0,
    flag: 'number|all',
  },
  threshold: {
    type: z
      .union([share, z.array(share), z.record(z.string(), share)])
      .describe('a number, one per label, or { label: number }'),
    description: 'Of a model with many labels: the score from which a label counts; one for all, a list, or by label',
    default: 0.5,
  },
  ...cutOrWindowOptions,
  ...runOptions,
} satisfies OptionTable

/** See `classifyOptions` for each option's meaning and default. */
export interface ClassifyOptions extends CutOrWindowOptions, RunOptions {
  /** How many labels to list with their scores, the likeliest first. @default 0 */
  readonly topK?: number | 'all' | undefined
  /** Of a model with many labels: the score from which a label counts; labels not named have 0.5. @default 0.5 */
  readonly threshold?: number | readonly number[] | Readonly<Record<string, number>> | undefined
}

export interface LabelScore {
  readonly label: string
  /** From 0 to 1. */
  readonly score: number
}

/** The likeliest label. */
export interface SingleLabelPrediction extends LabelScore {
  readonly problemType: 'single_label_classification'
  /** Where `topK` asks for them, the likeliest first. */
  readonly scores?: readonly LabelScore[]
}

export interface MultiLabelPrediction {
  readonly problemType: 'multi_label_classification'
  /** Those from their threshold on, the likeliest first. */
  readonly labels: readonly LabelScore[]
  /** Where `topK` asks for them, the likeliest first. */
  readonly scores?: readonly LabelScore[]
}

export interface RegressionPrediction {
  readonly problemType: 'regression'
  /** The first of the values. */
  readonly value: number
  /** Of a model with several outputs, each by its name. */
  readonly values?: Readonly<Record<string, number>>
}

export type Prediction = SingleLabelPrediction | MultiLabelPrediction | RegressionPrediction

type SettledClassify = Settled<typeof classifyOptions>

export const classifyVerb: VerbOf<TextOrPair, Prediction, SettledClassify> = {
  name: 'classify',
  task: 'sequence-classification',
  make: (context, options) => wholeTexts(context, options, predictionOf(context, options)),
}

/**
 * What a sequence classifier says of each text or pair of texts, in the order given.
 * @throws AttuneError 'unsupported-task' (of another model), 'invalid-input' (an empty text), 'sequence-too-long', naming the
 * text; 'invalid-option' (as a stride without windows), 'aborted'
 */
export async function classify(
  model: Model,
  texts: readonly TextOrPair[],
  options: ClassifyOptions = {},
): Promise<Prediction[]> {
  return predictList(classifyVerb, model, texts, settleOptions(classifyOptions, options))
}

/** `classify` over a stream, of which only a window is held at a time. */
export function classifyStream(
  model: Model,
  texts: Source<TextOrPair>,
  options: ClassifyOptions = {},
): AsyncGenerator<Prediction, void, void> {
  return predictStream(classifyVerb, model, texts, settleOptions(classifyOptions, options))
}

function predictionOf(
  { model: { labels: names, problemType } }: VerbContext,
  { topK, threshold }: SettledClassify,
): (logits: Float32Array) => Prediction {
  const listed = (scores: ArrayLike<number>): LabelScore[] =>
    names.map((label, i) => ({ label, score: scores[i] ?? NaN })).sort((a, b) => b.score - a.score)
  const asked = (all: LabelScore[]) => (topK === 0 ? {} : { scores: topK === 'all' ? all : all.slice(0, topK) })
  if (problemType === 'regression') {
    return (logits) => ({
      problemType,
      value: logits[0] ?? NaN,
      ...(names.length > 1 && { values: Object.fromEntries(names.map((name, i) => [name, logits[i] ?? NaN])) }),
    })
  }
  if (problemType === 'multi_label_classification') {
    const limits = thresholdsOf(threshold, names)
    return (logits) => {
      const all = listed(Float64Array.from(logits, sigmoid))
      const labels = all.filter(({ label, score }) => score >= (limits.get(label) ?? 1))
      return { problemType, labels, ...asked(all) }
    }
  }
  return (logits) => {
    const all = listed(softmax(logits))
    const [best = { label: '', score: NaN }] = all
    return { problemType: 'single_label_classification', ...best, ...asked(all) }
  }
}

const usualThreshold = 0.5

function thresholdsOf(threshold: SettledClassify['threshold'], names: readonly string[]): ReadonlyMap<string, number> {
  const where = 'options.threshold'
  if (typeof threshold === 'number') return new Map(names.map((name) => [name, threshold]))
  if (Array.isArray(threshold)) {
    if (threshold.length === names.length)
      return new Map(names.map((name, i) => [name, threshold[i] ?? usualThreshold]))
    const message = `${where}: expected ${names.length} numbers, one per label, received ${threshold.length}`
    throw new AttuneError('invalid-option', message, { where })
  }
  const unknown = Object.keys(threshold).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const message = `${where}: the model has no label '${unknown}'. It has ${names.join(', ')}`
    throw new AttuneError('invalid-option', message, { where: `${where}.${unknown}` })
  }
  return new Map(names.map((name) => [name, threshold[name] ?? usualThreshold]))
}
