/** Tasks that give a few numbers for a text or for each token: classification of either, and regression. */
import { AttuneError } from '../../errors.js'
import type { GraphBuilder, Value } from '../../graph/builder.js'
import * as ops from '../../graph/ops.js'
import { askedRows, lossScale, segments } from '../../nn/inputs.js'
import { checkAligned, checkedId, checkRowCount, ignoredLabel, type Batch, type FlatBatch } from '../batch.js'
import type { LabelHead, ModelDefinition } from '../family.js'
import type { LossOptions } from '../task.js'
import { requireLabels, type LossValues, type Targets, type TaskGraph } from './task-graph.js'

export function labelTask(definition: ModelDefinition, head: LabelHead): TaskGraph {
  const outputs = definition.labels.length
  const tokens = definition.task === 'token-classification'
  const read = (g: GraphBuilder, hidden: Value): Value =>
    head.reads === 'mean' ? ops.segmentMean(g, hidden, segments(g)) : askedRows(g, hidden)
  return {
    outputs,
    logits: (g, hidden) => head.logits(g, tokens ? hidden : read(g, hidden), outputs),
    asked(batch, flat) {
      if (tokens) return { sizes: {}, inputs: {}, rows: flat.ids.length }
      const rows = pooledRows(batch, flat, head, definition)
      if (head.reads === 'mean') return { sizes: {}, inputs: {}, rows: rows.length }
      return { sizes: { rows: rows.length }, inputs: { rows: Int32Array.from(rows) }, rows: rows.length }
    },
    loss(g, hidden, options) {
      const logits = head.logits(g, read(g, hidden), outputs)
      return { ...labelLoss(g, logits, definition, head, options), logits }
    },
    targets(batch, flat, options, where) {
      checkWeights(options, definition)
      return tokens
        ? tokenLabels(batch, options, definition, where)
        : textLabels(batch, flat, options, definition, head, where)
    },
  }
}

function labelLoss(
  g: GraphBuilder,
  logits: Value,
  { problemType, labels }: ModelDefinition,
  { reads }: LabelHead,
  { labelSmoothing, classWeights, positiveWeights, focalGamma }: LossOptions,
): Omit<LossValues, 'logits'> {
  const at = g.in('loss')
  const count = labels.length
  const rows = reads === 'mean' ? 'sequences' : 'rows'
  const scale = lossScale(g)
  const weights = (name: string, given: readonly number[] | undefined) =>
    given === undefined ? undefined : g.input(name, [count], 'f32')
  if (problemType === 'regression') {
    return ops.meanSquaredError(at, {
      predictions: logits,
      targets: g.input('targets', [rows, count], 'f32'),
      lossScale: scale,
    })
  }
  if (problemType === 'multi_label_classification') {
    return ops.binaryCrossEntropy(
      at,
      {
        logits,
        targets: g.input('targets', [rows, count], 'f32'),
        lossScale: scale,
        positiveWeights: weights('positive_weights', positiveWeights),
      },
      { labelSmoothing, focalGamma },
    )
  }
  return ops.crossEntropy(
    at,
    {
      logits,
      labels: g.input('labels', [rows], 'i32', count),
      lossScale: scale,
      classWeights: weights('class_weights', classWeights),
    },
    { labelSmoothing, focalGamma },
  )
}

/** The row of the hidden state that stands for each text. */
function pooledRows(batch: Batch, flat: FlatBatch, head: LabelHead, { padTokenId }: ModelDefinition): number[] {
  const { cuSeqlens, ids } = flat
  const rows: number[] = []
  for (let s = 0; s + 1 < cuSeqlens.length; s++) {
    const begin = cuSeqlens[s] ?? 0
    let last = (cuSeqlens[s + 1] ?? 0) - 1
    // By the ids, as Hugging Face's classifiers on decoders look for it.
    if (head.reads === 'last' && padTokenId !== undefined) while (last > begin && ids[last] === padTokenId) last--
    rows.push(head.reads === 'last' ? last : begin)
  }
  if (rows.length !== batch.inputIds.length) {
    throw new AttuneError('invalid-batch', 'Texts cannot be packed into one row for this task: a row is a text.', {
      where: 'positionIds',
    })
  }
  return rows
}

function tokenLabels(batch: Batch, options: LossOptions, { labels: names }: ModelDefinition, where: string): Targets {
  const given = requireLabels(batch, where, 'one per token of inputIds')
  const name = `${where}.labels`
  checkAligned(given, batch.inputIds, name)
  const rows: number[] = []
  const labels: number[] = []
  let at = 0
  given.forEach((row, r) => {
    for (let i = 0; i < row.length; i++, at++) {
      if (row[i] === ignoredLabel) continue
      labels.push(checkedId(row[i], names.length, `${ignoredLabel} or a label`, `${name}[${r}][${i}]`))
      rows.push(at)
    }
  })
  return singleLabels(Int32Array.from(labels), { rows: Int32Array.from(rows) }, options)
}

function textLabels(
  batch: Batch,
  flat: FlatBatch,
  options: LossOptions,
  definition: ModelDefinition,
  head: LabelHead,
  where: string,
): Targets {
  const { problemType, labels: names } = definition
  const given = requireLabels(batch, where, 'one per row of inputIds')
  checkRowCount(given, batch.inputIds.length, `${where}.labels`)
  const rows = { rows: Int32Array.from(pooledRows(batch, flat, head, definition)) }
  const asked = head.reads === 'mean' ? {} : rows
  if (problemType === 'single_label_classification') {
    const labels = given.map((label, r) => {
      if (typeof label === 'number') return checkedId(label, names.length, 'a label', `${where}.labels[${r}]`)
      const message = `Expected one label but received a list of ${label.length}: the model has single labels (problemType '${problemType}').`
      throw new AttuneError('invalid-batch', message, { where: `${where}.labels[${r}]` })
    })
    return singleLabels(Int32Array.from(labels), asked, options)
  }
  const targets = Float32Array.from(
    given.flatMap((label, r) => numbersOf(label, names.length, problemType === 'regression', `${where}.labels[${r}]`)),
  )
  return {
    sizes: { rows: given.length },
    inputs: { ...asked, targets, ...weightInputs(options) },
    count: given.length,
    // Hugging Face's losses are means over rows and outputs alike.
    weight: targets.length,
    expected: undefined,
  }
}

function numbersOf(label: number | ArrayLike<number>, count: number, regression: boolean, where: string): number[] {
  const values = typeof label === 'number' ? [label] : Array.from(label)
  const fits =
    values.length === count && values.every(regression ? Number.isFinite : (value) => value >= 0 && value <= 1)
  if (fits) return values
  const expected = regression ? `${count} finite number(s)` : `${count} numbers from 0 to 1, one per label`
  throw new AttuneError('invalid-batch', `Expected ${expected} but received ${JSON.stringify(values)}.`, { where })
}

function singleLabels(labels: Int32Array, asked: { rows?: Int32Array }, options: LossOptions): Targets {
  const { classWeights } = options
  const weight =
    classWeights === undefined ? labels.length : labels.reduce((sum, label) => sum + (classWeights[label] ?? 0), 0)
  return {
    sizes: { rows: labels.length },
    inputs: { ...asked, labels, ...weightInputs(options) },
    count: labels.length,
    weight,
    expected: labels,
  }
}

function weightInputs({ classWeights, positiveWeights }: LossOptions): Record<string, Float32Array> {
  return {
    ...(classWeights === undefined ? {} : { class_weights: Float32Array.from(classWeights) }),
    ...(positiveWeights === undefined ? {} : { positive_weights: Float32Array.from(positiveWeights) }),
  }
}

function checkWeights(
  { classWeights, positiveWeights, labelSmoothing, focalGamma }: LossOptions,
  definition: ModelDefinition,
): void {
  const { labels, problemType } = definition
  const single = problemType === undefined || problemType === 'single_label_classification'
  const fail = (option: string, message: string) => new AttuneError('invalid-option', message, { where: option })
  for (const [option, weights, fits] of [
    ['classWeights', classWeights, single],
    ['positiveWeights', positiveWeights, problemType === 'multi_label_classification'],
  ] as const) {
    if (weights === undefined) continue
    if (!fits) throw fail(option, `${option} does not go with problemType '${problemType}'.`)
    if (weights.length !== labels.length || !weights.every((weight) => weight >= 0 && Number.isFinite(weight))) {
      throw fail(
        option,
        `Expected ${labels.length} numbers from 0 on, one per label, but received ${JSON.stringify(weights)}.`,
      )
    }
  }
  if (problemType === 'regression' && (labelSmoothing > 0 || focalGamma > 0)) {
    throw fail(
      labelSmoothing > 0 ? 'labelSmoothing' : 'focalGamma',
      'A regression has no classes to smooth or to focus on.',
    )
  }
}
